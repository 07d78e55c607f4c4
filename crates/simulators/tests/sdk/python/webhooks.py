import stripe
from support import Shop, check, client, pay

shop = Shop()
endpoint = client.v1.webhook_endpoints.create({"url": shop.url, "enabled_events": ["*"]})


@check("an endpoint shows its secret when it is made and not again")
def _():
    assert endpoint.secret.startswith("whsec_")
    assert "secret" not in client.v1.webhook_endpoints.retrieve(endpoint.id)


@check("a received webhook is verified by construct_event, a forged one is not")
def _():
    paid = pay("pm_card_visa")
    body, signature = shop.arrived(
        lambda told: told["type"] == "payment_intent.succeeded"
        and told["data"]["object"]["id"] == paid.id
    )
    verified = client.construct_event(body, signature, endpoint.secret)
    assert verified.data.object.amount_received == 1099
    for forged, secret in (body + b" ", endpoint.secret), (body, "whsec_other"):
        try:
            client.construct_event(forged, signature, secret)
        except stripe.SignatureVerificationError:
            continue
        raise AssertionError("a forged body was accepted")


@check("a deleted endpoint is gone")
def _():
    assert client.v1.webhook_endpoints.delete(endpoint.id).deleted
    assert client.v1.webhook_endpoints.list().data == []

import stripe
from support import Shop, check, client, pay

shop = Shop()
destinations = client.v2.core.event_destinations
destination = destinations.create(
    {
        "name": "The shop",
        "type": "webhook_endpoint",
        "event_payload": "thin",
        "enabled_events": ["v1.payment_intent.succeeded"],
        "webhook_endpoint": {"url": shop.url},
        "include": ["webhook_endpoint.url", "webhook_endpoint.signing_secret"],
    }
)


@check("a destination for thin events shows its secret when asked")
def _():
    assert destination.webhook_endpoint.signing_secret.startswith("whsec_")
    assert [one.id for one in destinations.list().data] == [destination.id]


@check("a thin event is verified and leads to its object and its event")
def _():
    paid = pay("pm_card_visa")
    body, signature = shop.arrived(
        lambda told: told["object"] == "v2.core.event" and told["related_object"]["id"] == paid.id
    )
    secret = destination.webhook_endpoint.signing_secret
    notification = client.parse_event_notification(body, signature, secret)
    assert notification.type == "v1.payment_intent.succeeded"
    assert notification.fetch_related_object().amount_received == 1099
    assert notification.fetch_event().id == notification.id
    try:
        client.parse_event_notification(body + b" ", signature, secret)
    except stripe.SignatureVerificationError:
        return
    raise AssertionError("a forged body was accepted")


@check("a deleted destination is gone")
def _():
    destinations.delete(destination.id)
    assert destinations.list().data == []

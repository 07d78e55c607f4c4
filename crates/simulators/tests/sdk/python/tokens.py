from support import INTENT, check, client, days, refusal

intents = client.v1.payment_intents


def token(**more):
    params = {"payment_method": "pm_card_visa", **more}
    return client.v1.test_helpers.confirmation_tokens.create(params)


@check("a confirmation token pays once")
def _():
    made = token(return_url="https://shop.test/back")
    assert made.payment_method_preview.card.last4 == "4242"
    assert made.expires_at - made.created == 12 * 60 * 60
    confirmed = {**INTENT, "confirm": True, "confirmation_token": made.id}
    paid = intents.create({**confirmed, "automatic_payment_methods": {"enabled": True}})
    assert paid.status == "succeeded"
    assert client.v1.confirmation_tokens.retrieve(made.id).payment_intent == paid.id
    assert refusal(intents.create, confirmed).http_status == 400


@check("a token's shipping address is taken over")
def _():
    address = {"line1": "Torstr. 1", "country": "DE"}
    made = token(shipping={"name": "Jenny Rosen", "address": address})
    intent = intents.create(INTENT)
    paid = intents.confirm(intent.id, {"confirmation_token": made.id})
    assert paid.shipping.address.line1 == "Torstr. 1"


@check("a token expires after twelve hours")
def _():
    made = token()
    days(1)
    intent = intents.create(INTENT)
    error = refusal(intents.confirm, intent.id, {"confirmation_token": made.id})
    assert error.http_status == 400

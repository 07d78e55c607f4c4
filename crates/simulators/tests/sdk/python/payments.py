import stripe
from support import BASE, INTENT, check, client, pay, refusal


@check("create, update, confirm, retrieve")
def _():
    created = client.v1.payment_intents.create(INTENT)
    assert created.status == "requires_payment_method"
    updated = client.v1.payment_intents.update(created.id, {"amount": 1299})
    assert updated.amount == 1299
    paid = client.v1.payment_intents.confirm(
        created.id,
        {"payment_method": "pm_card_visa", "amount_to_confirm": 1299, "expand": ["latest_charge"]},
    )
    assert paid.status == "succeeded" and paid.latest_charge.amount_captured == 1299
    assert client.v1.payment_intents.retrieve(created.id).amount_received == 1299
    assert len(client.v1.charges.list({"payment_intent": created.id}).data) == 1


@check("a canceled intent cannot be confirmed")
def _():
    made = client.v1.payment_intents.create(INTENT)
    assert client.v1.payment_intents.cancel(made.id).status == "canceled"
    card = {"payment_method": "pm_card_visa"}
    error = refusal(client.v1.payment_intents.confirm, made.id, card)
    assert isinstance(error, stripe.InvalidRequestError)
    assert error.code == "payment_intent_unexpected_state"
    assert error.error.payment_intent.status == "canceled"


@check("a declined intent can be paid with another card")
def _():
    made = client.v1.payment_intents.create(INTENT)
    card = {"payment_method": "pm_card_visa_chargeDeclined"}
    assert refusal(client.v1.payment_intents.confirm, made.id, card).http_status == 402
    paid = client.v1.payment_intents.confirm(made.id, {"payment_method": "pm_card_visa"})
    assert paid.status == "succeeded" and paid.last_payment_error is None
    charges = client.v1.charges.list({"payment_intent": made.id}).data
    assert [charge.status for charge in charges] == ["succeeded", "failed"]


@check("a charge's description and metadata can be changed")
def _():
    charge = pay("pm_card_visa").latest_charge
    change = {"description": "Mugs", "metadata": {"order_id": "", "parcel": "7"}}
    assert client.v1.charges.update(charge, change).description == "Mugs"
    assert client.v1.charges.retrieve(charge).metadata.to_dict() == {"parcel": "7"}


@check("a wrong key, an unknown parameter and a missing object are refused")
def _():
    stranger = stripe.StripeClient("sk_test_wrong", base_addresses={"api": BASE})
    assert isinstance(refusal(stranger.v1.payment_intents.list), stripe.AuthenticationError)
    unknown = {**INTENT, "payment_method_types": ["card"]}
    assert refusal(client.v1.payment_intents.create, unknown).code == "parameter_unknown"
    missing = refusal(client.v1.payment_intents.retrieve, "pi_none")
    assert missing.http_status == 404 and missing.code == "resource_missing"

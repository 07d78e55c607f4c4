from support import check, client, events_about, pay, refusal

intents = client.v1.payment_intents


def authorize():
    return pay("pm_card_visa", capture_method="manual")


@check("an authorized payment is captured in part")
def _():
    held = authorize()
    assert (held.status, held.amount_capturable) == ("requires_capture", 1099)
    paid = intents.capture(held.id, {"amount_to_capture": 1000})
    assert (paid.status, paid.amount_received) == ("succeeded", 1000)
    charge = client.v1.charges.retrieve(held.latest_charge)
    assert (charge.captured, charge.amount_captured) == (True, 1000)
    assert events_about(held.id) == [
        "payment_intent.created",
        "payment_intent.amount_capturable_updated",
        "payment_intent.succeeded",
    ]


@check("no more is captured than was authorized, and once")
def _():
    held = authorize()
    assert refusal(intents.capture, held.id, {"amount_to_capture": 1100}).http_status == 400
    intents.capture(held.id)
    assert refusal(intents.capture, held.id).code == "payment_intent_unexpected_state"


@check("an authorized payment can be canceled instead")
def _():
    held = authorize()
    canceled = intents.cancel(held.id)
    assert (canceled.status, canceled.amount_capturable) == ("canceled", 0)

from support import check, client, control, pay


@check("a SEPA debit is processing until the bank pays")
def _():
    waiting = pay("pm_sepaDebit_success_de")
    assert waiting.status == "processing"
    control(f"/_sim/payment_intents/{waiting.id}/settle", {"outcome": "succeeded"})
    paid = client.v1.payment_intents.retrieve(waiting.id, {"expand": ["latest_charge"]})
    assert paid.status == "succeeded"
    assert paid.latest_charge.payment_method_details.sepa_debit.last4 == "3000"


@check("a SEPA debit that the bank refuses leaves the intent open")
def _():
    waiting = pay("pm_sepaDebit_failed_de")
    control("/_sim/clock/advance", {"seconds": 3600})
    failed = client.v1.payment_intents.retrieve(waiting.id)
    assert failed.status == "requires_payment_method"
    assert failed.last_payment_error is not None

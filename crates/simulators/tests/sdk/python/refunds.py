from support import check, client, days, events_about, pay, refusal

refunds = client.v1.refunds


@check("a payment is given back in parts until nothing is left")
def _():
    paid = pay("pm_card_visa")
    part = refunds.create({"payment_intent": paid.id, "amount": 400})
    assert part.status == "succeeded" and part.charge == paid.latest_charge
    charge = client.v1.charges.retrieve(paid.latest_charge)
    assert (charge.amount_refunded, charge.refunded) == (400, False)
    rest = refunds.create({"charge": charge.id, "reason": "requested_by_customer"})
    assert rest.amount == 699
    assert client.v1.charges.retrieve(charge.id).refunded
    error = refusal(refunds.create, {"payment_intent": paid.id})
    assert error.code == "charge_already_refunded"
    listed = refunds.list({"payment_intent": paid.id, "limit": 1}).auto_paging_iter()
    assert [one.id for one in listed] == [rest.id, part.id]
    assert "refund.created" in events_about(part.id)
    assert events_about(charge.id).count("charge.refunded") == 2


@check("no more is given back than was paid")
def _():
    paid = pay("pm_card_visa")
    error = refusal(refunds.create, {"payment_intent": paid.id, "amount": 1100})
    assert error.http_status == 400 and error.param == "amount"


@check("a refund's metadata can be changed, and it expands")
def _():
    paid = pay("pm_card_visa")
    made = refunds.create({"payment_intent": paid.id})
    refunds.update(made.id, {"metadata": {"note": "goodwill"}})
    whole = refunds.retrieve(made.id, {"expand": ["charge", "balance_transaction"]})
    assert whole.metadata["note"] == "goodwill"
    assert whole.charge.amount_refunded == 1099
    assert whole.balance_transaction.amount == -1099


@check("a refund can be pending first")
def _():
    paid = pay("pm_card_pendingRefund")
    made = refunds.create({"payment_intent": paid.id})
    assert made.status == "pending"
    days(25)
    assert refunds.retrieve(made.id).status == "succeeded"


@check("a refund can fail after it succeeded")
def _():
    paid = pay("pm_card_refundFail")
    made = refunds.create({"payment_intent": paid.id})
    assert made.status == "succeeded"
    days(25)
    failed = refunds.retrieve(made.id)
    assert failed.status == "failed" and failed.failure_reason
    assert not client.v1.charges.retrieve(paid.latest_charge).refunded
    assert "refund.failed" in events_about(made.id)

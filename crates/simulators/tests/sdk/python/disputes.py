from support import check, client, days, events_about, pay, refusal

disputes = client.v1.disputes


def disputed(method):
    paid = pay(method)
    (dispute,) = disputes.list({"payment_intent": paid.id}).data
    return paid, dispute


def answer(dispute, text):
    evidence = {"uncategorized_text": text}
    return disputes.update(dispute.id, {"evidence": evidence, "submit": True})


@check("a test card opens a dispute and the money is gone")
def _():
    paid, dispute = disputed("pm_card_createDispute")
    assert (dispute.status, dispute.reason) == ("needs_response", "fraudulent")
    assert client.v1.charges.retrieve(paid.latest_charge).disputed
    events = events_about(dispute.id)
    assert events[0] == "charge.dispute.created"
    assert "charge.dispute.funds_withdrawn" in events
    error = refusal(client.v1.refunds.create, {"payment_intent": paid.id})
    assert error.code == "charge_disputed"


@check("winning evidence wins it, losing evidence loses it")
def _():
    _, won = disputed("pm_card_createDisputeProductNotReceived")
    answer(won, "winning_evidence")
    _, lost = disputed("pm_card_createDispute")
    answer(lost, "losing_evidence")
    days(1)
    assert disputes.retrieve(won.id).status == "won"
    assert disputes.retrieve(lost.id).status == "lost"
    assert "charge.dispute.funds_reinstated" in events_about(won.id)
    assert "charge.dispute.closed" in events_about(lost.id)


@check("a shop can accept it")
def _():
    _, dispute = disputed("pm_card_createDispute")
    assert disputes.close(dispute.id).status == "lost"


@check("an inquiry takes no money and can be answered by a refund")
def _():
    paid, dispute = disputed("pm_card_createDisputeInquiry")
    assert dispute.status == "warning_needs_response" and dispute.is_charge_refundable
    assert client.v1.refunds.create({"payment_intent": paid.id}).status == "succeeded"


@check("one charge can have several, and an issuer can warn before")
def _():
    paid = pay("pm_card_createMultipleDisputes")
    assert len(disputes.list({"charge": paid.latest_charge}).data) > 1
    warned = pay("pm_card_createIssuerFraudRecord")
    warnings = client.v1.radar.early_fraud_warnings.list({"charge": warned.latest_charge})
    assert [warning.actionable for warning in warnings.data] == [True]

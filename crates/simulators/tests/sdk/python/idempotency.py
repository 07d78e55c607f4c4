import os

import stripe
from support import INTENT, check, client, control, pay, refusal

# Keys of an earlier run against the same simulator are used up.
RUN = f"ord_{os.getpid()}"


@check("an idempotency key replays its answer and refuses another request")
def _():
    options = {"idempotency_key": f"{RUN}:create:1"}
    first = client.v1.payment_intents.create(INTENT, options)
    second = client.v1.payment_intents.create(INTENT, options)
    assert first.id == second.id
    assert second.last_response.headers["idempotent-replayed"] == "true"
    other = {**INTENT, "amount": 999}
    error = refusal(client.v1.payment_intents.create, other, options)
    assert isinstance(error, stripe.IdempotencyError)


@check("a decline is replayed too, and a new key is a new try")
def _():
    made = client.v1.payment_intents.create(INTENT)
    card = {"payment_method": "pm_card_visa_chargeDeclined"}

    def charge(key):
        options = {"idempotency_key": f"{RUN}:pay:{key}"}
        return refusal(client.v1.payment_intents.confirm, made.id, card, options).error.charge

    first, again, other = charge(1), charge(1), charge(2)
    assert first == again != other


@check("a lost answer is retried by the library and pays once")
def _():
    fault = {"method": "POST", "path": "/v1/payment_intents", "kind": "lose_after"}
    control("/_sim/faults", fault)
    paid = pay("pm_card_visa", metadata={"order_id": RUN})
    ledger = control("/_sim/ledger")
    entries = [entry for entry in ledger if entry["metadata"].get("order_id") == RUN]
    assert [(entry["id"], entry["charges_succeeded"]) for entry in entries] == [(paid.id, 1)]


@check("a key in use and a failing server are retried by the library")
def _():
    for status in 409, 500:
        fault = {"path": "/v1/payment_intents", "kind": "status", "status": status}
        control("/_sim/faults", fault)
        assert pay("pm_card_visa").status == "succeeded"

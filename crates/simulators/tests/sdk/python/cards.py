import json
import pathlib

import stripe
from support import answer_challenge, challenge_of, check, client, pay, refusal

CARDS = json.loads((pathlib.Path(__file__).parent.parent / "cards.json").read_text())


def is_declined(card):
    error = refusal(pay, card["method"])
    assert isinstance(error, stripe.CardError) and error.http_status == 402
    assert error.code == card["code"], error.code
    assert error.error.decline_code == card["decline_code"]
    assert error.error.payment_intent.status == "requires_payment_method"
    charge = client.v1.charges.retrieve(error.error.charge)
    assert charge.status == "failed"
    assert charge.outcome.type == card.get("outcome", "issuer_declined")


def goes_on(card):
    intent = pay(card["method"], expand=["latest_charge"])
    assert intent.status == card["status"], intent.status
    if "then" not in card:
        assert intent.latest_charge.outcome.risk_level == card.get("risk_level", "normal")
        checks = intent.latest_charge.payment_method_details.card.checks
        assert checks.cvc_check == card.get("cvc_check", "pass")
        return
    answer_challenge(challenge_of(intent), "complete")
    after = client.v1.payment_intents.retrieve(intent.id)
    error = after.last_payment_error
    assert (error.decline_code if error else after.status) == card["then"]


for card in CARDS:
    ends = ", ".join(card[key] for key in ("status", "decline_code", "then") if key in card)
    body = is_declined if "code" in card else goes_on
    check(f"{card['method']} ends as {ends}")(lambda: body(card))

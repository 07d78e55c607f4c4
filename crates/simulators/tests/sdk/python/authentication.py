import urllib.parse

from support import answer_challenge, challenge_of, check, client, pay, refusal


@check("a passed 3-D Secure challenge leads back and pays")
def _():
    waiting = pay("pm_card_threeDSecure2Required", return_url="https://shop.test/back")
    status, location = answer_challenge(waiting.next_action.redirect_to_url.url, "complete")
    back = urllib.parse.parse_qs(urllib.parse.urlparse(location).query)
    assert status == 303 and back["redirect_status"] == ["succeeded"]
    assert back["payment_intent"] == [waiting.id]
    assert client.v1.payment_intents.retrieve(waiting.id).status == "succeeded"


@check("a failed 3-D Secure challenge leaves the intent open")
def _():
    waiting = pay("pm_card_authenticationRequired", use_stripe_sdk=True)
    assert waiting.next_action.type == "use_stripe_sdk"
    answer_challenge(challenge_of(waiting), "fail")
    failed = client.v1.payment_intents.retrieve(waiting.id)
    assert failed.status == "requires_payment_method"
    assert failed.last_payment_error.code == "payment_intent_authentication_failure"


@check("a card that may be charged off session asks for nothing then")
def _():
    paid = pay("pm_card_authenticationRequiredSetupForOffSession", off_session=True)
    assert paid.status == "succeeded"


@check("a shop that cannot show a challenge gets a decline")
def _():
    card = "pm_card_authenticationRequired"
    error = refusal(lambda: pay(card, error_on_requires_action=True))
    assert error.code == "authentication_required"
    assert error.error.decline_code == "authentication_not_handled"


@check("3-D Secure can be asked for where the card leaves it open")
def _():
    options = {"card": {"request_three_d_secure": "any"}}
    waiting = pay("pm_card_threeDSecureOptional", payment_method_options=options)
    assert waiting.status == "requires_action"

"""Drives the simulated Stripe with Stripe's own Python library.

    python check.py http://127.0.0.1:12111

Prints a line per check and ends with 1 at the first that does not hold.
"""

import http.server
import json
import os
import queue
import sys
import threading
import traceback
import urllib.error
import urllib.parse
import urllib.request

import stripe

BASE = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:12111"
KEY = os.environ.get("STRIPE_SECRET_KEY", "sk_test_0123456789abcdef")
client = stripe.StripeClient(KEY, base_addresses={"api": BASE}, max_network_retries=2)
# Nothing here leaves this machine, whatever the environment says about proxies.
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))

INTENT = {
    "amount": 1099,
    "currency": "eur",
    "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
    "metadata": {"order_id": "ord_1"},
}

# Method, status or error code after a confirm, and the decline code.
CARDS = [
    ("pm_card_visa", "succeeded", None),
    ("pm_card_mastercard", "succeeded", None),
    ("pm_card_amex", "succeeded", None),
    ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
    ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
    ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
    ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
    ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
    ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
    ("pm_card_visa_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded"),
    ("pm_card_chargeCustomerFail", "card_declined", "generic_decline"),
    ("pm_card_radarBlock", "card_declined", "fraudulent"),
    ("pm_card_authenticationRequiredOnSetup", "requires_action", None),
    ("pm_card_authenticationRequired", "requires_action", None),
    ("pm_card_threeDSecure2Required", "requires_action", None),
    ("pm_card_threeDSecureRequiredChargeDeclined", "requires_action", None),
    ("pm_card_threeDSecureRequiredProcessingError", "card_declined", "generic_decline"),
    ("pm_card_threeDSecureOptional", "succeeded", None),
    ("pm_sepaDebit_success_de", "processing", None),
]

got = queue.Queue()


class Shop(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        got.put((body, self.headers["stripe-signature"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


class KeepRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def answer_challenge(url, outcome):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), KeepRedirect)
    try:
        answer = opener.open(url, data=f"outcome={outcome}".encode())
        return answer.status, None
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers["location"]


def refusal(call):
    try:
        answer = call()
    except stripe.StripeError as error:
        return error
    raise AssertionError(f"not refused: {answer}")


def with_confirm(method, **more):
    return {**INTENT, "confirm": True, "payment_method": method, **more}


def endpoint(state):
    made = client.v1.webhook_endpoints.create(
        {"url": f"http://127.0.0.1:{state['port']}/webhooks", "enabled_events": ["*"]}
    )
    assert made.secret.startswith("whsec_")
    state["secret"] = made.secret


def life(_):
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


def card(method, expected, decline_code):
    def body(_):
        if decline_code is None:
            paid = client.v1.payment_intents.create(with_confirm(method))
            assert paid.status == expected, paid.status
            return
        error = refusal(lambda: client.v1.payment_intents.create(with_confirm(method)))
        assert isinstance(error, stripe.CardError) and error.http_status == 402
        assert error.code == expected, error.code
        assert error.error.decline_code == decline_code
        assert error.error.payment_intent.status == "requires_payment_method"

    return body


def passed_challenge(_):
    waiting = client.v1.payment_intents.create(
        with_confirm("pm_card_threeDSecure2Required", return_url="https://shop.test/back")
    )
    url = waiting.next_action.redirect_to_url.url
    status, location = answer_challenge(url, "complete")
    back = urllib.parse.parse_qs(urllib.parse.urlparse(location).query)
    assert status == 303 and back["redirect_status"] == ["succeeded"]
    assert client.v1.payment_intents.retrieve(waiting.id).status == "succeeded"


def failed_challenge(_):
    waiting = client.v1.payment_intents.create(
        with_confirm("pm_card_authenticationRequired", use_stripe_sdk=True)
    )
    assert waiting.next_action.type == "use_stripe_sdk"
    answer_challenge(waiting.next_action.use_stripe_sdk["stripe_js"], "fail")
    failed = client.v1.payment_intents.retrieve(waiting.id)
    assert failed.status == "requires_payment_method"
    assert failed.last_payment_error.code == "payment_intent_authentication_failure"


def cancellation(_):
    made = client.v1.payment_intents.create(INTENT)
    assert client.v1.payment_intents.cancel(made.id).status == "canceled"
    error = refusal(
        lambda: client.v1.payment_intents.confirm(made.id, {"payment_method": "pm_card_visa"})
    )
    assert isinstance(error, stripe.InvalidRequestError)
    assert error.code == "payment_intent_unexpected_state"


def idempotency(_):
    options = {"idempotency_key": f"ord_1:create:{os.getpid()}"}
    first = client.v1.payment_intents.create(INTENT, options)
    second = client.v1.payment_intents.create(INTENT, options)
    assert first.id == second.id
    assert second.last_response.headers["idempotent-replayed"] == "true"
    other = {**INTENT, "amount": 999}
    error = refusal(lambda: client.v1.payment_intents.create(other, options))
    assert isinstance(error, stripe.IdempotencyError)


def lost_answer(_):
    fault = {"method": "POST", "path": "/v1/payment_intents", "kind": "lose_after"}
    order = urllib.request.Request(
        f"{BASE}/_sim/faults",
        data=json.dumps(fault).encode(),
        headers={"content-type": "application/json"},
    )
    direct.open(order)
    order_id = f"lost_{os.getpid()}"
    paid = client.v1.payment_intents.create(
        with_confirm("pm_card_visa", metadata={"order_id": order_id})
    )
    ledger = json.load(direct.open(f"{BASE}/_sim/ledger"))
    entries = [entry for entry in ledger if entry["metadata"].get("order_id") == order_id]
    assert [(entry["id"], entry["charges_succeeded"]) for entry in entries] == [(paid.id, 1)]


def refusals(_):
    stranger = stripe.StripeClient("sk_test_wrong", base_addresses={"api": BASE})
    error = refusal(stranger.v1.payment_intents.list)
    assert isinstance(error, stripe.AuthenticationError)
    unknown = {**INTENT, "payment_method_types": ["card"]}
    error = refusal(lambda: client.v1.payment_intents.create(unknown))
    assert error.code == "parameter_unknown", error.code


def pages(_):
    events = list(
        client.v1.events.list(
            {"types": ["payment_intent.succeeded", "payment_intent.canceled"], "limit": 2}
        ).auto_paging_iter()
    )
    assert len(events) > 4
    assert client.v1.events.retrieve(events[0].id).id == events[0].id
    intents = [one.id for one in client.v1.payment_intents.list({"limit": 3}).auto_paging_iter()]
    assert len(set(intents)) == len(intents) > len(CARDS)


def webhook(state):
    paid = client.v1.payment_intents.create(with_confirm("pm_card_visa"))
    while True:
        body, signature = got.get(timeout=20)
        event = json.loads(body)
        if event["type"] == "payment_intent.succeeded" and event["data"]["object"]["id"] == paid.id:
            break
    verified = client.construct_event(body, signature, state["secret"])
    assert verified.data.object.amount_received == 1099
    try:
        client.construct_event(body + b" ", signature, state["secret"])
    except stripe.SignatureVerificationError:
        return
    raise AssertionError("a forged body was accepted")


def main():
    shop = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=shop.serve_forever, daemon=True).start()
    state = {"port": shop.server_address[1]}
    checks = [
        ("an endpoint shows its secret when it is made", endpoint),
        ("create, update, confirm, retrieve", life),
        *((f"{one[0]} ends as {one[2] or one[1]}", card(*one)) for one in CARDS),
        ("a passed 3-D Secure challenge leads back and pays", passed_challenge),
        ("a failed 3-D Secure challenge leaves the intent open", failed_challenge),
        ("a canceled intent cannot be confirmed", cancellation),
        ("an idempotency key replays its answer and refuses another request", idempotency),
        ("a lost answer is retried by the library and pays once", lost_answer),
        ("a wrong key and an unknown parameter are refused", refusals),
        ("events and intents are listed through all pages", pages),
        ("a received webhook is verified by construct_event", webhook),
    ]
    for name, body in checks:
        try:
            body(state)
        except Exception:
            print(f"FAILED {name}")
            traceback.print_exc()
            sys.exit(1)
        print(f"ok {name}", flush=True)


main()

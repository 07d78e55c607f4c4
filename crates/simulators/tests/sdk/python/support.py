"""What the themes have in common."""

import http.server
import json
import os
import sys
import threading
import traceback
import urllib.error
import urllib.request

import stripe

BASE = next((word for word in sys.argv[1:] if word.startswith("http")), "http://127.0.0.1:12111")
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


def pay(method, **more):
    """A payment that is created and confirmed at once."""
    return client.v1.payment_intents.create(
        {**INTENT, "confirm": True, "payment_method": method, **more}
    )


def check(name):
    """Runs the function below it, at once."""

    def run(body):
        try:
            body()
        except Exception:
            print(f"FAILED {name}")
            traceback.print_exc()
            sys.exit(1)
        print(f"ok {name}", flush=True)

    return run


def refusal(call, *arguments):
    try:
        answer = call(*arguments)
    except stripe.StripeError as error:
        return error
    raise AssertionError(f"not refused: {answer}")


def control(path, order=None):
    """What a shop has no route for: faults, the clock, the bank's answer."""
    data = None if order is None else json.dumps(order).encode()
    request = urllib.request.Request(
        BASE + path, data=data, headers={"content-type": "application/json"}
    )
    return json.load(direct.open(request))


def days(count):
    control("/_sim/clock/advance", {"seconds": count * 24 * 60 * 60})


class _KeepRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def answer_challenge(url, outcome):
    """What the card's holder does on the 3-D Secure page."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _KeepRedirect)
    try:
        answer = opener.open(url, data=f"outcome={outcome}".encode())
        return answer.status, None
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers["location"]


def challenge_of(intent):
    """The page of the challenge that an intent waits for."""
    action = intent.next_action
    if action.type == "redirect_to_url":
        return action.redirect_to_url.url
    return action.use_stripe_sdk["stripe_js"]


def events_about(id):
    """The types of the events about an object, oldest first."""
    events = client.v1.events.list({"limit": 100}).auto_paging_iter()
    return [event.type for event in events if event.data.object.id == id][::-1]


class Shop:
    """Takes webhooks at `url`; `arrived` waits for one."""

    def __init__(self):
        self._got = []
        self._change = threading.Condition()
        shop = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                with shop._change:
                    shop._got.append((body, self.headers["stripe-signature"], json.loads(body)))
                    shop._change.notify_all()
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}/webhooks"

    def arrived(self, wanted):
        def found():
            return next((one for one in self._got if wanted(one[2])), None)

        with self._change:
            assert self._change.wait_for(found, timeout=20), "the webhook did not come"
            body, signature, _ = found()
        return body, signature

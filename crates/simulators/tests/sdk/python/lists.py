from support import INTENT, check, client, pay, refusal

made = [pay("pm_card_visa").id for _ in range(7)]
open_one = client.v1.payment_intents.create(INTENT)
client.v1.payment_intents.cancel(open_one.id)
made.append(open_one.id)


def ids(objects):
    return [one.id for one in objects]


@check("intents are listed newest first through all pages")
def _():
    listed = client.v1.payment_intents.list({"limit": 3}).auto_paging_iter()
    assert ids(listed) == made[::-1]


@check("a page can be asked for before and after an intent")
def _():
    after = client.v1.payment_intents.list({"starting_after": made[3], "limit": 2})
    assert ids(after.data) == [made[2], made[1]] and after.has_more
    before = client.v1.payment_intents.list({"ending_before": made[5]})
    assert ids(before.data) == [made[7], made[6]]
    error = refusal(client.v1.payment_intents.list, {"starting_after": "pi_none"})
    assert error.code == "resource_missing"


@check("charges of an intent are listed, expanded if asked")
def _():
    expand = ["data.payment_intent", "data.balance_transaction"]
    charges = client.v1.charges.list({"payment_intent": made[0], "expand": expand}).data
    assert [charge.payment_intent.id for charge in charges] == [made[0]]
    booked = charges[0].balance_transaction
    assert booked.net == 1099 - booked.fee


@check("events are listed by type and retrieved")
def _():
    types = ["payment_intent.succeeded", "payment_intent.canceled"]
    events = list(client.v1.events.list({"types": types, "limit": 2}).auto_paging_iter())
    assert ids(event.data.object for event in events) == made[::-1]
    assert client.v1.events.retrieve(events[0].id).type == "payment_intent.canceled"

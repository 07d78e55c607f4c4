from support import check, client, control, pay, refusal

paid = pay("pm_card_visa", metadata={"order_id": "ord_7"}, amount=4200)
pay("pm_card_visa")
# What is new is found only some time later.
control("/_sim/clock/advance", {"seconds": 3600})


@check("an intent is found by its metadata")
def _():
    query = "metadata['order_id']:'ord_7' AND status:'succeeded'"
    found = client.v1.payment_intents.search({"query": query})
    assert found.object == "search_result" and not found.has_more
    assert [one.id for one in found.data] == [paid.id]


@check("search results come in pages")
def _():
    found = client.v1.payment_intents.search({"query": "currency:'eur'", "limit": 1})
    assert found.has_more and len(list(found.auto_paging_iter())) == 2


@check("charges are found by amount")
def _():
    found = client.v1.charges.search({"query": "amount>4000"})
    assert [one.id for one in found.data] == [paid.latest_charge]


@check("a query that cannot be read is refused")
def _():
    error = refusal(client.v1.payment_intents.search, {"query": "status="})
    assert error.http_status == 400

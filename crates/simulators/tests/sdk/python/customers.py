from support import check, client, events_about, pay, refusal

customers, methods = client.v1.customers, client.v1.payment_methods
jenny = customers.create({"email": "jenny@example.com", "name": "Jenny Rosen"})


@check("a customer is created, changed, listed and deleted")
def _():
    assert customers.update(jenny.id, {"phone": "+4930123456"}).phone == "+4930123456"
    listed = customers.list({"email": "jenny@example.com"}).data
    assert [one.id for one in listed] == [jenny.id]
    gone = customers.create({"name": "Nobody"})
    assert customers.delete(gone.id).deleted
    assert customers.retrieve(gone.id).deleted
    assert events_about(gone.id) == ["customer.created", "customer.deleted"]


@check("a method that belongs to a customer pays more than once")
def _():
    card = methods.attach("pm_card_visa", {"customer": jenny.id})
    for _ in range(2):
        paid = pay(card.id, customer=jenny.id, off_session=True)
        assert (paid.status, paid.customer) == ("succeeded", jenny.id)
    listed = customers.payment_methods.list(jenny.id, {"type": "card"}).data
    assert [one.id for one in listed] == [card.id]
    assert len(client.v1.payment_intents.list({"customer": jenny.id}).data) == 2


@check("a detached method pays no more")
def _():
    card = methods.attach("pm_card_visa", {"customer": jenny.id})
    assert methods.detach(card.id).customer is None
    assert refusal(pay, card.id).http_status == 400


@check("another customer's method is refused")
def _():
    card = methods.attach("pm_card_visa", {"customer": jenny.id})
    other = customers.create({})
    assert refusal(lambda: pay(card.id, customer=other.id)).http_status == 400


@check("a method can be made on its own")
def _():
    made = methods.create(
        {
            "type": "sepa_debit",
            "sepa_debit": {"iban": "AT321904300235473204"},
            "billing_details": {"name": "Jenny Rosen", "email": "jenny@example.com"},
        }
    )
    assert pay(made.id).status == "processing"

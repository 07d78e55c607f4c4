import { assert, check, eventsAbout, pay, refusal, stripe } from './support.mjs';

let jenny;

await check('a customer is created, changed, listed and deleted', async () => {
  jenny = await stripe.customers.create({
    email: 'jenny@example.com',
    name: 'Jenny Rosen',
    metadata: { shop_id: '7' },
  });
  const changed = await stripe.customers.update(jenny.id, { phone: '+4930123456' });
  assert.equal(changed.phone, '+4930123456');
  const { data } = await stripe.customers.list({ email: 'jenny@example.com' });
  assert.deepEqual(data.map(({ id }) => id), [jenny.id]);
  const gone = await stripe.customers.create({ name: 'Nobody' });
  assert.equal((await stripe.customers.del(gone.id)).deleted, true);
  assert.equal((await stripe.customers.retrieve(gone.id)).deleted, true);
  assert.deepEqual(await eventsAbout(gone.id), ['customer.created', 'customer.deleted']);
});

await check('a method that belongs to a customer pays more than once', async () => {
  const card = await stripe.paymentMethods.attach('pm_card_visa', { customer: jenny.id });
  assert.equal(card.customer, jenny.id);
  for (let times = 0; times < 2; times += 1) {
    const paid = await pay(card.id, { customer: jenny.id, off_session: true });
    assert.deepEqual([paid.status, paid.customer], ['succeeded', jenny.id]);
  }
  const { data } = await stripe.customers.listPaymentMethods(jenny.id, { type: 'card' });
  assert.deepEqual(data.map(({ id }) => id), [card.id]);
  const intents = await stripe.paymentIntents.list({ customer: jenny.id });
  assert.equal(intents.data.length, 2);
});

await check('a method that is kept after a payment belongs to its customer', async () => {
  const paid = await pay('pm_card_mastercard', {
    customer: jenny.id,
    setup_future_usage: 'off_session',
  });
  const kept = await stripe.paymentMethods.retrieve(paid.payment_method);
  assert.equal(kept.customer, jenny.id);
});

await check('a detached method pays no more', async () => {
  const card = await stripe.paymentMethods.attach('pm_card_visa', { customer: jenny.id });
  assert.equal((await stripe.paymentMethods.detach(card.id)).customer, null);
  assert.equal((await refusal(pay(card.id))).statusCode, 400);
});

await check("another customer's method is refused", async () => {
  const card = await stripe.paymentMethods.attach('pm_card_visa', { customer: jenny.id });
  const other = await stripe.customers.create({});
  assert.equal((await refusal(pay(card.id, { customer: other.id }))).statusCode, 400);
});

await check('a method can be made on its own', async () => {
  const made = await stripe.paymentMethods.create({
    type: 'sepa_debit',
    sepa_debit: { iban: 'AT321904300235473204' },
    billing_details: { name: 'Jenny Rosen', email: 'jenny@example.com' },
  });
  assert.equal((await pay(made.id)).status, 'processing');
});

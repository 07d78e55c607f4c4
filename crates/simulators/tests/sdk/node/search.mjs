import { assert, check, control, pay, refusal, stripe } from './support.mjs';

const paid = await pay('pm_card_visa', { metadata: { order_id: 'ord_7' }, amount: 4200 });
await pay('pm_card_visa');
// What is new is found only some time later.
await control('/_sim/clock/advance', { seconds: 3600 });

await check('an intent is found by its metadata', async () => {
  const query = "metadata['order_id']:'ord_7' AND status:'succeeded'";
  const found = await stripe.paymentIntents.search({ query });
  assert.equal(found.object, 'search_result');
  assert.deepEqual(found.data.map(({ id }) => id), [paid.id]);
  assert.equal(found.has_more, false);
});

await check('search results come in pages', async () => {
  const query = "currency:'eur'";
  const first = await stripe.paymentIntents.search({ query, limit: 1 });
  assert.equal(first.has_more, true);
  const all = await stripe.paymentIntents.search({ query, limit: 1 }).autoPagingToArray({ limit: 9 });
  assert.equal(all.length, 2);
});

await check('charges are found by amount', async () => {
  const found = await stripe.charges.search({ query: 'amount>4000' });
  assert.deepEqual(found.data.map(({ id }) => id), [paid.latest_charge]);
});

await check('a query that cannot be read is refused', async () => {
  const error = await refusal(stripe.paymentIntents.search({ query: 'status=' }));
  assert.equal(error.statusCode, 400);
});

import { assert, check, intent, pay, refusal, stripe } from './support.mjs';

const made = [];
for (let place = 0; place < 7; place += 1) made.push((await pay('pm_card_visa')).id);
const open = await stripe.paymentIntents.create(intent);
await stripe.paymentIntents.cancel(open.id);
made.push(open.id);

const all = (list) => list.autoPagingToArray({ limit: 1000 });
const ids = (objects) => objects.map(({ id }) => id);

await check('intents are listed newest first through all pages', async () => {
  const listed = await all(stripe.paymentIntents.list({ limit: 3 }));
  assert.deepEqual(ids(listed), made.toReversed());
});

await check('a page can be asked for before and after an intent', async () => {
  const after = await stripe.paymentIntents.list({ starting_after: made[3], limit: 2 });
  assert.deepEqual(ids(after.data), [made[2], made[1]]);
  assert.equal(after.has_more, true);
  const before = await stripe.paymentIntents.list({ ending_before: made[5] });
  assert.deepEqual(ids(before.data), [made[7], made[6]]);
  const nowhere = await refusal(stripe.paymentIntents.list({ starting_after: 'pi_none' }));
  assert.equal(nowhere.code, 'resource_missing');
});

await check('what was created in a span of time is listed', async () => {
  const { created } = await stripe.paymentIntents.retrieve(made[0]);
  const since = await all(stripe.paymentIntents.list({ created: { gte: created } }));
  assert.equal(since.length, made.length);
  assert.equal((await stripe.paymentIntents.list({ created: { lt: created } })).data.length, 0);
});

await check('charges of an intent are listed, expanded if asked', async () => {
  const expand = ['data.payment_intent', 'data.balance_transaction'];
  const charges = await stripe.charges.list({ payment_intent: made[0], expand });
  assert.equal(charges.data.length, 1);
  assert.equal(charges.data[0].payment_intent.id, made[0]);
  assert.equal(charges.data[0].balance_transaction.net, 1099 - charges.data[0].balance_transaction.fee);
});

await check('events are listed by type and retrieved', async () => {
  const types = ['payment_intent.succeeded', 'payment_intent.canceled'];
  const events = await all(stripe.events.list({ types, limit: 2 }));
  assert.deepEqual(ids(events.map(({ data }) => data.object)), made.toReversed());
  const one = await stripe.events.retrieve(events[0].id);
  assert.equal(one.type, 'payment_intent.canceled');
  assert.equal((await all(stripe.events.list({ type: 'charge.succeeded' }))).length, 7);
});

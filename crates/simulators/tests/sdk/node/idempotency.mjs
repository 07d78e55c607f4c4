import { assert, check, control, intent, pay, refusal, stripe, Stripe } from './support.mjs';

// Keys of an earlier run against the same simulator are used up.
const run = `ord_${process.pid}`;

await check('an idempotency key replays its answer and refuses another request', async () => {
  const idempotencyKey = `${run}:create:1`;
  const first = await stripe.paymentIntents.create(intent, { idempotencyKey });
  const second = await stripe.paymentIntents.create(intent, { idempotencyKey });
  assert.equal(second.id, first.id);
  assert.equal(second.lastResponse.headers['idempotent-replayed'], 'true');
  const other = stripe.paymentIntents.create({ ...intent, amount: 999 }, { idempotencyKey });
  assert.ok((await refusal(other)) instanceof Stripe.errors.StripeIdempotencyError);
});

await check('a decline is replayed too, and a new key is a new try', async () => {
  const { id } = await stripe.paymentIntents.create(intent);
  const card = { payment_method: 'pm_card_visa_chargeDeclined' };
  const confirm = (idempotencyKey) =>
    refusal(stripe.paymentIntents.confirm(id, card, { idempotencyKey }));
  const [first, again, other] = [
    await confirm(`${run}:pay:1`),
    await confirm(`${run}:pay:1`),
    await confirm(`${run}:pay:2`),
  ];
  assert.equal(again.charge, first.charge);
  assert.notEqual(other.charge, first.charge);
});

await check('a lost answer is retried by the library and pays once', async () => {
  const fault = { method: 'POST', path: '/v1/payment_intents', kind: 'lose_after' };
  await control('/_sim/faults', fault);
  const paid = await pay('pm_card_visa', { metadata: { order_id: run } });
  assert.equal(paid.status, 'succeeded');
  const ledger = await control('/_sim/ledger');
  const entries = ledger.filter((entry) => entry.metadata.order_id === run);
  assert.deepEqual(
    entries.map((entry) => [entry.id, entry.charges_succeeded]),
    [[paid.id, 1]],
  );
});

await check('a key in use and a failing server are retried by the library', async () => {
  for (const kind of [{ kind: 'status', status: 409 }, { kind: 'status', status: 500 }]) {
    await control('/_sim/faults', { path: '/v1/payment_intents', ...kind });
    assert.equal((await pay('pm_card_visa')).status, 'succeeded');
  }
});

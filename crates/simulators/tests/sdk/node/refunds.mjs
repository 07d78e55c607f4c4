import { assert, check, days, eventsAbout, pay, refusal, stripe } from './support.mjs';

await check('a payment is given back in parts until nothing is left', async () => {
  const paid = await pay('pm_card_visa');
  const part = await stripe.refunds.create({ payment_intent: paid.id, amount: 400 });
  assert.equal(part.status, 'succeeded');
  assert.equal(part.charge, paid.latest_charge);
  const after = await stripe.charges.retrieve(paid.latest_charge);
  assert.deepEqual([after.amount_refunded, after.refunded], [400, false]);
  const rest = await stripe.refunds.create({
    charge: paid.latest_charge,
    reason: 'requested_by_customer',
    metadata: { refund_id: '2' },
  });
  assert.equal(rest.amount, 699);
  assert.equal((await stripe.charges.retrieve(paid.latest_charge)).refunded, true);
  const nothingLeft = await refusal(stripe.refunds.create({ payment_intent: paid.id }));
  assert.equal(nothingLeft.code, 'charge_already_refunded');
  const listed = await stripe.refunds.list({ payment_intent: paid.id, limit: 1 }).autoPagingToArray({ limit: 9 });
  assert.deepEqual(listed.map(({ id }) => id), [rest.id, part.id]);
  assert.ok((await eventsAbout(part.id)).includes('refund.created'));
  const ofCharge = await eventsAbout(paid.latest_charge);
  assert.equal(ofCharge.filter((type) => type === 'charge.refunded').length, 2);
});

await check('no more is given back than was paid', async () => {
  const paid = await pay('pm_card_visa');
  const error = await refusal(stripe.refunds.create({ payment_intent: paid.id, amount: 1100 }));
  assert.equal(error.statusCode, 400);
  assert.equal(error.param, 'amount');
  assert.equal((await stripe.refunds.list({ charge: paid.latest_charge })).data.length, 0);
});

await check("a refund's metadata can be changed, and it expands", async () => {
  const paid = await pay('pm_card_visa');
  const made = await stripe.refunds.create({ payment_intent: paid.id });
  await stripe.refunds.update(made.id, { metadata: { note: 'goodwill' } });
  const expand = ['charge', 'payment_intent', 'balance_transaction'];
  const whole = await stripe.refunds.retrieve(made.id, { expand });
  assert.equal(whole.metadata.note, 'goodwill');
  assert.equal(whole.charge.amount_refunded, 1099);
  assert.equal(whole.payment_intent.id, paid.id);
  assert.equal(whole.balance_transaction.amount, -1099);
});

await check('a refund that succeeded cannot be canceled', async () => {
  const paid = await pay('pm_card_visa');
  const made = await stripe.refunds.create({ payment_intent: paid.id });
  assert.equal((await refusal(stripe.refunds.cancel(made.id))).statusCode, 400);
});

await check('a refund can be pending first', async () => {
  const paid = await pay('pm_card_pendingRefund');
  const made = await stripe.refunds.create({ payment_intent: paid.id });
  assert.equal(made.status, 'pending');
  await days(25);
  assert.equal((await stripe.refunds.retrieve(made.id)).status, 'succeeded');
});

await check('a refund can fail after it succeeded', async () => {
  const paid = await pay('pm_card_refundFail');
  const made = await stripe.refunds.create({ payment_intent: paid.id });
  assert.equal(made.status, 'succeeded');
  await days(25);
  const failed = await stripe.refunds.retrieve(made.id);
  assert.equal(failed.status, 'failed');
  assert.equal(typeof failed.failure_reason, 'string');
  assert.equal((await stripe.charges.retrieve(paid.latest_charge)).refunded, false);
  assert.ok((await eventsAbout(made.id)).includes('refund.failed'));
});

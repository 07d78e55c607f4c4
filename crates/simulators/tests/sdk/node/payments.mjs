import { assert, check, intent, options, pay, refusal, stripe, Stripe } from './support.mjs';

await check('create, retrieve, update, confirm', async () => {
  const created = await stripe.paymentIntents.create(intent);
  assert.equal(created.status, 'requires_payment_method');
  assert.match(created.lastResponse.requestId, /^req_/);
  const updated = await stripe.paymentIntents.update(created.id, {
    amount: 1299,
    shipping: { name: 'Jenny Rosen', address: { line1: 'Torstr. 1', country: 'DE' } },
    metadata: { attempt: '2' },
  });
  assert.deepEqual(updated.metadata, { order_id: 'ord_1', attempt: '2' });
  const paid = await stripe.paymentIntents.confirm(created.id, {
    payment_method: 'pm_card_visa',
    amount_to_confirm: 1299,
    expand: ['latest_charge'],
  });
  assert.equal(paid.status, 'succeeded');
  assert.equal(paid.latest_charge.amount_captured, 1299);
  const retrieved = await stripe.paymentIntents.retrieve(created.id);
  assert.equal(retrieved.amount_received, 1299);
  const charges = await stripe.charges.list({ payment_intent: created.id });
  assert.equal(charges.data[0].id, paid.latest_charge.id);
});

await check('a canceled intent cannot be confirmed', async () => {
  const { id } = await stripe.paymentIntents.create(intent);
  const canceled = await stripe.paymentIntents.cancel(id, { cancellation_reason: 'abandoned' });
  assert.equal(canceled.status, 'canceled');
  const error = await refusal(stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' }));
  assert.equal(error.code, 'payment_intent_unexpected_state');
  assert.ok(error instanceof Stripe.errors.StripeInvalidRequestError);
  assert.equal(error.payment_intent.status, 'canceled');
});

await check('a declined intent can be paid with another card', async () => {
  const { id } = await stripe.paymentIntents.create(intent);
  const declined = { payment_method: 'pm_card_visa_chargeDeclined' };
  assert.equal((await refusal(stripe.paymentIntents.confirm(id, declined))).statusCode, 402);
  const paid = await stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' });
  assert.equal(paid.status, 'succeeded');
  assert.equal(paid.last_payment_error, null);
  const charges = await stripe.charges.list({ payment_intent: id });
  assert.deepEqual(charges.data.map(({ status }) => status), ['succeeded', 'failed']);
});

await check("a charge's description and metadata can be changed, its amount cannot", async () => {
  const { latest_charge: id } = await pay('pm_card_visa');
  const changed = await stripe.charges.update(id, {
    description: 'Mugs',
    metadata: { order_id: '', parcel: '7' },
    receipt_email: 'jenny@example.com',
  });
  assert.equal(changed.description, 'Mugs');
  assert.deepEqual(changed.metadata, { parcel: '7' });
  assert.equal((await stripe.charges.retrieve(id)).receipt_email, 'jenny@example.com');
  assert.equal((await refusal(stripe.charges.update(id, { amount: 1 }))).code, 'parameter_unknown');
});

await check('a wrong key, an unknown parameter and a missing object are refused', async () => {
  const stranger = new Stripe('sk_test_wrong', options);
  const unknown = await refusal(stranger.paymentIntents.list());
  assert.ok(unknown instanceof Stripe.errors.StripeAuthenticationError);
  const error = await refusal(
    stripe.paymentIntents.create({ ...intent, payment_method_types: ['card'] }),
  );
  assert.equal(error.code, 'parameter_unknown');
  const missing = await refusal(stripe.paymentIntents.retrieve('pi_none'));
  assert.equal(missing.statusCode, 404);
  assert.equal(missing.code, 'resource_missing');
});

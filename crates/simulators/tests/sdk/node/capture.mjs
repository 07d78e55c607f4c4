import { assert, check, eventsAbout, pay, refusal, stripe } from './support.mjs';

const authorize = () => pay('pm_card_visa', { capture_method: 'manual' });

await check('an authorized payment is captured in part', async () => {
  const held = await authorize();
  assert.deepEqual([held.status, held.amount_capturable], ['requires_capture', 1099]);
  const paid = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 1000 });
  assert.deepEqual([paid.status, paid.amount_received], ['succeeded', 1000]);
  const charge = await stripe.charges.retrieve(held.latest_charge);
  assert.deepEqual([charge.captured, charge.amount_captured], [true, 1000]);
  const events = await eventsAbout(held.id);
  assert.deepEqual(events, [
    'payment_intent.created',
    'payment_intent.amount_capturable_updated',
    'payment_intent.succeeded',
  ]);
  assert.ok((await eventsAbout(held.latest_charge)).includes('charge.captured'));
});

await check('no more is captured than was authorized, and once', async () => {
  const held = await authorize();
  const capture = (amount_to_capture) =>
    stripe.paymentIntents.capture(held.id, { amount_to_capture });
  assert.equal((await refusal(capture(1100))).statusCode, 400);
  await capture(1099);
  assert.equal((await refusal(capture(1099))).code, 'payment_intent_unexpected_state');
});

await check('an authorized payment can be canceled instead', async () => {
  const held = await authorize();
  const canceled = await stripe.paymentIntents.cancel(held.id);
  assert.deepEqual([canceled.status, canceled.amount_capturable], ['canceled', 0]);
});

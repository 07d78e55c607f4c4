import { assert, check, days, intent, refusal, stripe } from './support.mjs';

const token = (more = {}) =>
  stripe.testHelpers.confirmationTokens.create({ payment_method: 'pm_card_visa', ...more });

await check('a confirmation token pays once', async () => {
  const made = await token({ return_url: 'https://shop.test/back' });
  assert.equal(made.payment_method_preview.card.last4, '4242');
  assert.equal(made.expires_at - made.created, 12 * 60 * 60);
  const paid = await stripe.paymentIntents.create({
    ...intent,
    automatic_payment_methods: { enabled: true },
    confirm: true,
    confirmation_token: made.id,
  });
  assert.equal(paid.status, 'succeeded');
  const used = await stripe.confirmationTokens.retrieve(made.id);
  assert.equal(used.payment_intent, paid.id);
  const again = { ...intent, confirm: true, confirmation_token: made.id };
  assert.equal((await refusal(stripe.paymentIntents.create(again))).statusCode, 400);
});

await check("a token's shipping address is taken over", async () => {
  const shipping = { name: 'Jenny Rosen', address: { line1: 'Torstr. 1', country: 'DE' } };
  const made = await token({ shipping });
  const { id } = await stripe.paymentIntents.create(intent);
  const paid = await stripe.paymentIntents.confirm(id, { confirmation_token: made.id });
  assert.equal(paid.shipping.address.line1, 'Torstr. 1');
});

await check('a token expires after twelve hours', async () => {
  const made = await token();
  await days(1);
  const { id } = await stripe.paymentIntents.create(intent);
  const late = stripe.paymentIntents.confirm(id, { confirmation_token: made.id });
  assert.equal((await refusal(late)).statusCode, 400);
});

import { answerChallenge, assert, challengeOf, check, pay, refusal, stripe } from './support.mjs';

await check('a passed 3-D Secure challenge leads back and pays', async () => {
  const waiting = await pay('pm_card_threeDSecure2Required', {
    return_url: 'https://shop.test/back',
  });
  assert.equal(waiting.next_action.type, 'redirect_to_url');
  const back = await answerChallenge(waiting.next_action.redirect_to_url.url, 'complete');
  const to = new URL(back.headers.get('location'));
  assert.equal(to.origin, 'https://shop.test');
  assert.equal(to.searchParams.get('payment_intent'), waiting.id);
  assert.equal(to.searchParams.get('payment_intent_client_secret'), waiting.client_secret);
  assert.equal(to.searchParams.get('redirect_status'), 'succeeded');
  const paid = await stripe.paymentIntents.retrieve(waiting.id, { expand: ['latest_charge'] });
  assert.equal(paid.status, 'succeeded');
  const { three_d_secure } = paid.latest_charge.payment_method_details.card;
  assert.equal(three_d_secure.result, 'authenticated');
});

await check('a failed 3-D Secure challenge leaves the intent open', async () => {
  const waiting = await pay('pm_card_authenticationRequired', {
    use_stripe_sdk: true,
    return_url: 'https://shop.test/back',
  });
  assert.equal(waiting.next_action.type, 'use_stripe_sdk');
  await answerChallenge(challengeOf(waiting), 'fail');
  const failed = await stripe.paymentIntents.retrieve(waiting.id);
  assert.equal(failed.status, 'requires_payment_method');
  assert.equal(failed.last_payment_error.code, 'payment_intent_authentication_failure');
});

await check('a card that may be charged off session asks for nothing then', async () => {
  const method = 'pm_card_authenticationRequiredSetupForOffSession';
  assert.equal((await pay(method, { off_session: true })).status, 'succeeded');
});

await check('a shop that cannot show a challenge gets a decline', async () => {
  const error = await refusal(
    pay('pm_card_authenticationRequired', { error_on_requires_action: true }),
  );
  assert.equal(error.code, 'authentication_required');
  assert.equal(error.decline_code, 'authentication_not_handled');
});

await check('3-D Secure can be asked for where the card leaves it open', async () => {
  const waiting = await pay('pm_card_threeDSecureOptional', {
    payment_method_options: { card: { request_three_d_secure: 'any' } },
  });
  assert.equal(waiting.status, 'requires_action');
});

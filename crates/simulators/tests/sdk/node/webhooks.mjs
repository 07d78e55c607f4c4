import { assert, check, openShop, pay, stripe } from './support.mjs';

const shop = await openShop();
let endpoint;

await check('an endpoint shows its secret when it is made and not again', async () => {
  endpoint = await stripe.webhookEndpoints.create({ url: shop.url, enabled_events: ['*'] });
  assert.match(endpoint.secret, /^whsec_/);
  assert.equal((await stripe.webhookEndpoints.retrieve(endpoint.id)).secret, undefined);
  assert.equal((await stripe.webhookEndpoints.list()).data.length, 1);
});

await check('a received webhook is verified by constructEvent, a forged one is not', async () => {
  const paid = await pay('pm_card_visa');
  const { body, signature } = await shop.arrived(
    ({ type, data }) => type === 'payment_intent.succeeded' && data.object.id === paid.id,
  );
  const event = stripe.webhooks.constructEvent(body, signature, endpoint.secret);
  assert.equal(event.data.object.amount_received, 1099);
  assert.equal(event.api_version, '2026-10-28.endive');
  assert.equal(event.request.id, paid.lastResponse.requestId);
  const forged = Buffer.concat([body, Buffer.from(' ')]);
  assert.throws(() => stripe.webhooks.constructEvent(forged, signature, endpoint.secret));
  assert.throws(() => stripe.webhooks.constructEvent(body, signature, 'whsec_other'));
});

await check('an endpoint that wants one type gets that type only', async () => {
  await stripe.webhookEndpoints.update(endpoint.id, { enabled_events: ['charge.succeeded'] });
  const paid = await pay('pm_card_visa');
  await shop.arrived(
    ({ type, data }) => type === 'charge.succeeded' && data.object.payment_intent === paid.id,
  );
  const { data } = await stripe.events.list({ type: 'payment_intent.succeeded', limit: 1 });
  assert.equal(data[0].data.object.id, paid.id);
  assert.equal(data[0].pending_webhooks, 0);
});

await check('a deleted endpoint is gone', async () => {
  assert.equal((await stripe.webhookEndpoints.del(endpoint.id)).deleted, true);
  assert.equal((await stripe.webhookEndpoints.list()).data.length, 0);
});

shop.close();

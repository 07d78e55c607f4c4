import { assert, check, openShop, pay, stripe } from './support.mjs';

const shop = await openShop();
let destination;

await check('a destination for thin events shows its secret when asked', async () => {
  destination = await stripe.v2.core.eventDestinations.create({
    name: 'The shop',
    type: 'webhook_endpoint',
    event_payload: 'thin',
    enabled_events: ['v1.payment_intent.succeeded'],
    webhook_endpoint: { url: shop.url },
    include: ['webhook_endpoint.url', 'webhook_endpoint.signing_secret'],
  });
  assert.match(destination.webhook_endpoint.signing_secret, /^whsec_/);
  const { data } = await stripe.v2.core.eventDestinations.list();
  assert.deepEqual(data.map(({ id }) => id), [destination.id]);
});

await check('a thin event is verified and leads to its object and its event', async () => {
  const paid = await pay('pm_card_visa');
  const { body, signature } = await shop.arrived(
    ({ object, related_object }) => object === 'v2.core.event' && related_object.id === paid.id,
  );
  const secret = destination.webhook_endpoint.signing_secret;
  const notification = stripe.parseEventNotification(body, signature, secret);
  assert.equal(notification.type, 'v1.payment_intent.succeeded');
  assert.equal((await notification.fetchRelatedObject()).amount_received, 1099);
  assert.equal((await notification.fetchEvent()).id, notification.id);
  const forged = Buffer.concat([body, Buffer.from(' ')]);
  assert.throws(() => stripe.parseEventNotification(forged, signature, secret));
});

await check('a disabled destination gets nothing, a deleted one is gone', async () => {
  const disabled = await stripe.v2.core.eventDestinations.disable(destination.id);
  assert.equal(disabled.status, 'disabled');
  const enabled = await stripe.v2.core.eventDestinations.enable(destination.id);
  assert.equal(enabled.status, 'enabled');
  await stripe.v2.core.eventDestinations.del(destination.id);
  const { data } = await stripe.v2.core.eventDestinations.list();
  assert.equal(data.length, 0);
});

shop.close();

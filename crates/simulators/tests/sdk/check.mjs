// Drives the simulated Stripe with Stripe's own Node library.
//
//   node check.mjs http://127.0.0.1:12111
//
// Prints a line per check and ends with 1 at the first that does not hold.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import Stripe from 'stripe';

const base = new URL(process.argv[2] ?? 'http://127.0.0.1:12111');
const key = process.env.STRIPE_SECRET_KEY ?? 'sk_test_0123456789abcdef';
const stripe = new Stripe(key, {
  host: base.hostname,
  port: base.port,
  protocol: 'http',
  maxNetworkRetries: 2,
  telemetry: false,
});

const intent = {
  amount: 1099,
  currency: 'eur',
  automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
  metadata: { order_id: 'ord_1' },
};

// Method, status after a confirm, and for a decline its code and decline code.
const cards = [
  ['pm_card_visa', 'succeeded'],
  ['pm_card_mastercard', 'succeeded'],
  ['pm_card_amex', 'succeeded'],
  ['pm_card_visa_chargeDeclined', 'card_declined', 'generic_decline'],
  ['pm_card_visa_chargeDeclinedInsufficientFunds', 'card_declined', 'insufficient_funds'],
  ['pm_card_visa_chargeDeclinedLostCard', 'card_declined', 'lost_card'],
  ['pm_card_visa_chargeDeclinedStolenCard', 'card_declined', 'stolen_card'],
  ['pm_card_chargeDeclinedExpiredCard', 'expired_card', 'expired_card'],
  ['pm_card_chargeDeclinedIncorrectCvc', 'incorrect_cvc', 'incorrect_cvc'],
  ['pm_card_chargeDeclinedProcessingError', 'processing_error', 'processing_error'],
  ['pm_card_visa_chargeDeclinedVelocityLimitExceeded', 'card_declined', 'card_velocity_exceeded'],
  ['pm_card_chargeCustomerFail', 'card_declined', 'generic_decline'],
  ['pm_card_radarBlock', 'card_declined', 'fraudulent'],
  ['pm_card_authenticationRequiredOnSetup', 'requires_action'],
  ['pm_card_authenticationRequired', 'requires_action'],
  ['pm_card_threeDSecure2Required', 'requires_action'],
  ['pm_card_threeDSecureRequiredChargeDeclined', 'requires_action'],
  ['pm_card_threeDSecureRequiredProcessingError', 'card_declined', 'generic_decline'],
  ['pm_card_threeDSecureOptional', 'succeeded'],
  ['pm_sepaDebit_success_de', 'processing'],
];

async function check(name, body) {
  try {
    await body();
  } catch (error) {
    console.error(`FAILED ${name}\n`, error);
    process.exit(1);
  }
  console.log(`ok ${name}`);
}

const refusal = (promise) =>
  promise.then(
    (answer) => assert.fail(`not refused: ${JSON.stringify(answer)}`),
    (error) => error,
  );

const answerChallenge = (url, outcome) =>
  fetch(url, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `outcome=${outcome}`,
  });

const got = [];
const arrivals = new Set();
const shop = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  got.push({ body: Buffer.concat(parts), signature: request.headers['stripe-signature'] });
  response.end();
  for (const arrived of arrivals) arrived();
});
await new Promise((ready) => shop.listen(0, '127.0.0.1', ready));

const arrived = (wanted) =>
  new Promise((resolve) => {
    const look = () => {
      const found = got.find(wanted);
      if (!found) return;
      arrivals.delete(look);
      resolve(found);
    };
    arrivals.add(look);
    look();
  });

let secret;
await check('an endpoint shows its secret when it is made and not again', async () => {
  const endpoint = await stripe.webhookEndpoints.create({
    url: `http://127.0.0.1:${shop.address().port}/webhooks`,
    enabled_events: ['*'],
  });
  secret = endpoint.secret;
  assert.match(secret, /^whsec_/);
  assert.equal((await stripe.webhookEndpoints.retrieve(endpoint.id)).secret, undefined);
  assert.equal((await stripe.webhookEndpoints.list()).data.length, 1);
});

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

for (const [method, expected, declineCode] of cards) {
  await check(`${method} ends as ${declineCode ?? expected}`, async () => {
    const confirm = { ...intent, confirm: true, payment_method: method };
    if (!declineCode) {
      assert.equal((await stripe.paymentIntents.create(confirm)).status, expected);
      return;
    }
    const error = await refusal(stripe.paymentIntents.create(confirm));
    assert.ok(error instanceof Stripe.errors.StripeCardError);
    assert.equal(error.statusCode, 402);
    assert.equal(error.code, expected);
    assert.equal(error.decline_code, declineCode);
    assert.equal(error.payment_intent.status, 'requires_payment_method');
  });
}

await check('a passed 3-D Secure challenge leads back and pays', async () => {
  const waiting = await stripe.paymentIntents.create({
    ...intent,
    confirm: true,
    payment_method: 'pm_card_threeDSecure2Required',
    return_url: 'https://shop.test/back',
  });
  assert.equal(waiting.next_action.type, 'redirect_to_url');
  const back = await answerChallenge(waiting.next_action.redirect_to_url.url, 'complete');
  const to = new URL(back.headers.get('location'));
  assert.equal(to.origin, 'https://shop.test');
  assert.equal(to.searchParams.get('payment_intent'), waiting.id);
  assert.equal(to.searchParams.get('redirect_status'), 'succeeded');
  assert.equal((await stripe.paymentIntents.retrieve(waiting.id)).status, 'succeeded');
});

await check('a failed 3-D Secure challenge leaves the intent open', async () => {
  const waiting = await stripe.paymentIntents.create({
    ...intent,
    confirm: true,
    payment_method: 'pm_card_authenticationRequired',
    use_stripe_sdk: true,
    return_url: 'https://shop.test/back',
  });
  assert.equal(waiting.next_action.type, 'use_stripe_sdk');
  await answerChallenge(waiting.next_action.use_stripe_sdk.stripe_js, 'fail');
  const failed = await stripe.paymentIntents.retrieve(waiting.id);
  assert.equal(failed.status, 'requires_payment_method');
  assert.equal(failed.last_payment_error.code, 'payment_intent_authentication_failure');
});

await check('a canceled intent cannot be confirmed', async () => {
  const { id } = await stripe.paymentIntents.create(intent);
  const canceled = await stripe.paymentIntents.cancel(id, { cancellation_reason: 'abandoned' });
  assert.equal(canceled.status, 'canceled');
  const error = await refusal(stripe.paymentIntents.confirm(id, { payment_method: 'pm_card_visa' }));
  assert.equal(error.code, 'payment_intent_unexpected_state');
  assert.ok(error instanceof Stripe.errors.StripeInvalidRequestError);
});

await check('an idempotency key replays its answer and refuses another request', async () => {
  const idempotencyKey = `ord_1:create:${process.pid}`;
  const first = await stripe.paymentIntents.create(intent, { idempotencyKey });
  const second = await stripe.paymentIntents.create(intent, { idempotencyKey });
  assert.equal(second.id, first.id);
  assert.equal(second.lastResponse.headers['idempotent-replayed'], 'true');
  const other = stripe.paymentIntents.create({ ...intent, amount: 999 }, { idempotencyKey });
  assert.ok((await refusal(other)) instanceof Stripe.errors.StripeIdempotencyError);
});

await check('a lost answer is retried by the library and pays once', async () => {
  const fault = { method: 'POST', path: '/v1/payment_intents', kind: 'lose_after' };
  await fetch(new URL('/_sim/faults', base), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(fault),
  });
  const order = { order_id: `lost_${process.pid}` };
  const paid = await stripe.paymentIntents.create({
    ...intent,
    metadata: order,
    confirm: true,
    payment_method: 'pm_card_visa',
  });
  assert.equal(paid.status, 'succeeded');
  const ledger = await (await fetch(new URL('/_sim/ledger', base))).json();
  const entries = ledger.filter((entry) => entry.metadata.order_id === order.order_id);
  assert.deepEqual(entries.map((entry) => [entry.id, entry.charges_succeeded]), [[paid.id, 1]]);
});

await check('a wrong key and an unknown parameter are refused', async () => {
  const options = { host: base.hostname, port: base.port, protocol: 'http' };
  const stranger = new Stripe('sk_test_wrong', options);
  const unknown = await refusal(stranger.paymentIntents.list());
  assert.ok(unknown instanceof Stripe.errors.StripeAuthenticationError);
  const error = await refusal(
    stripe.paymentIntents.create({ ...intent, payment_method_types: ['card'] }),
  );
  assert.equal(error.code, 'parameter_unknown');
});

await check('events and intents are listed through all pages', async () => {
  const events = await stripe.events
    .list({ types: ['payment_intent.succeeded', 'payment_intent.canceled'], limit: 2 })
    .autoPagingToArray({ limit: 1000 });
  assert.ok(events.length > 4);
  assert.ok(events.every((event, place) => place === 0 || event.created <= events[place - 1].created));
  assert.equal((await stripe.events.retrieve(events[0].id)).id, events[0].id);
  const intents = await stripe.paymentIntents.list({ limit: 3 }).autoPagingToArray({ limit: 1000 });
  assert.equal(new Set(intents.map((one) => one.id)).size, intents.length);
  assert.ok(intents.length > cards.length);
});

await check('a received webhook is verified by constructEvent', async () => {
  const paid = await stripe.paymentIntents.create({
    ...intent,
    confirm: true,
    payment_method: 'pm_card_visa',
  });
  const { body, signature } = await arrived(({ body }) => {
    const event = JSON.parse(body);
    return event.type === 'payment_intent.succeeded' && event.data.object.id === paid.id;
  });
  const event = stripe.webhooks.constructEvent(body, signature, secret);
  assert.equal(event.data.object.amount_received, 1099);
  assert.equal(event.api_version, '2026-10-28.endive');
  const forged = Buffer.concat([body, Buffer.from(' ')]);
  assert.throws(() => stripe.webhooks.constructEvent(forged, signature, secret));
});

shop.close();
shop.closeAllConnections();

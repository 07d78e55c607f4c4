// What the themes have in common.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import Stripe from 'stripe';

export { assert, Stripe };

const given = process.argv[2];
export const base = new URL(given?.startsWith('http') ? given : 'http://127.0.0.1:12111');
const key = process.env.STRIPE_SECRET_KEY ?? 'sk_test_0123456789abcdef';

export const options = { host: base.hostname, port: base.port, protocol: 'http', telemetry: false };
export const stripe = new Stripe(key, { ...options, maxNetworkRetries: 2 });

export const intent = {
  amount: 1099,
  currency: 'eur',
  automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
  metadata: { order_id: 'ord_1' },
};

/** A payment that is created and confirmed at once. */
export const pay = (method, more = {}) =>
  stripe.paymentIntents.create({ ...intent, confirm: true, payment_method: method, ...more });

export async function check(name, body) {
  try {
    await body();
  } catch (error) {
    console.error(`FAILED ${name}\n`, error);
    process.exit(1);
  }
  console.log(`ok ${name}`);
}

export const refusal = (promise) =>
  promise.then(
    (answer) => assert.fail(`not refused: ${JSON.stringify(answer)}`),
    (error) => error,
  );

/** What a shop has no route for: faults, the clock, the bank's answer. */
export async function control(path, order) {
  const post = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(order),
  };
  const answer = await fetch(new URL(path, base), order && post);
  assert.equal(answer.status, 200, `${path} ${await answer.clone().text()}`);
  return answer.json();
}

export const days = (count) => control('/_sim/clock/advance', { seconds: count * 24 * 60 * 60 });

/** What the card's holder does on the 3-D Secure page. */
export const answerChallenge = (url, outcome) =>
  fetch(url, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `outcome=${outcome}`,
  });

/** The page of the challenge that an intent waits for. */
export const challengeOf = ({ next_action: next }) =>
  next.redirect_to_url?.url ?? next.use_stripe_sdk.stripe_js;

/** The types of the events about an object, oldest first. */
export async function eventsAbout(id) {
  const events = await stripe.events.list({ limit: 100 }).autoPagingToArray({ limit: 1000 });
  const about = events.filter(({ data }) => data.object.id === id);
  return about.map(({ type }) => type).reverse();
}

/** A shop that takes webhooks at `url`; `arrived` waits for one. */
export async function openShop() {
  const got = [];
  const waiting = new Set();
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts);
    got.push({ body, signature: request.headers['stripe-signature'], told: JSON.parse(body) });
    response.end();
    for (const look of waiting) look();
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  const arrived = (wanted) =>
    new Promise((resolve) => {
      const look = () => {
        const found = got.find(({ told }) => wanted(told));
        if (!found) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${server.address().port}/webhooks`, arrived, close };
}

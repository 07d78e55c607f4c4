import { createServer } from 'node:http';
import Stripe from 'stripe';

const port = process.env.STRIPE_PORT ?? 12111;
const stripe = new Stripe('sk_test_till_0123456789abcdef', { host: '127.0.0.1', port, protocol: 'http' });
const shop = createServer(async (request, response) => {
  const body = Buffer.concat(await request.toArray());
  const event = stripe.webhooks.constructEvent(body, request.headers['stripe-signature'], endpoint.secret);
  console.log(`${event.data.object.metadata.order_id} is paid`);
  response.end(() => process.exit());
});
await new Promise((ready) => shop.listen(0, '127.0.0.1', ready));
const url = `http://127.0.0.1:${shop.address().port}/`;
const endpoint = await stripe.webhookEndpoints.create({ url, enabled_events: ['payment_intent.succeeded'] });
const order = { amount: 1999, currency: 'eur', metadata: { order_id: 'ord_1' }, return_url: url };
await stripe.paymentIntents.create({ ...order, confirm: true, payment_method: 'pm_card_visa' });

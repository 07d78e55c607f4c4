import { createServer } from 'node:http';
import Stripe from 'stripe';
const { STRIPE_PORT: port = 12111, SHOP_PORT = 4242 } = process.env;
const stripe = new Stripe('sk_test_till_0123456789abcdef', { host: '127.0.0.1', port, protocol: 'http' });
const endpoint = await stripe.webhookEndpoints.create({ url: `http://127.0.0.1:${SHOP_PORT}`, enabled_events: ['payment_intent.succeeded'] });
createServer(async (request, response) => {
  const event = stripe.webhooks.constructEvent(Buffer.concat(await request.toArray()), request.headers['stripe-signature'], endpoint.secret);
  response.end(() => process.exit(console.log(`${event.data.object.metadata.order_id} is paid`)));
}).listen(SHOP_PORT);
await stripe.paymentIntents.create({ amount: 1999, currency: 'eur', metadata: { order_id: 'ord_1' }, confirm: true, payment_method: 'pm_card_visa', return_url: 'http://127.0.0.1' });

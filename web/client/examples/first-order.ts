import { createTill, formatAmount, orThrow } from '@till/client';
import { createStub } from '@till/client/stub';

// In the shop: createTill() alone. Here everything is in memory.
const stub = createStub();
const till = createTill({ fetch: stub.visitor() });

const { items } = orThrow(await till.products.search('mug'));
for (const { id } of items) orThrow(await till.cart.add(id, 2));

const { orderId, clientSecret = '' } = orThrow(
  await till.checkout.createIntent({
    email: 'ada@example.org',
    shippingAddress: {
      name: 'Ada Beispiel',
      street: 'Hauptstr. 1',
      postalCode: '10115',
      city: 'Berlin',
      country: 'DE',
    },
    acceptsMarketing: false,
  }),
);

// In the shop: stripe.confirmPayment({ elements, … }) with the Payment Element.
await stub.stripe.confirmPayment({ clientSecret, card: '4242424242424242' });

const order = orThrow(await till.checkout.confirm(orderId));
console.log(`${order.status}: ${formatAmount(order.total, order.currency, 'en')}`);

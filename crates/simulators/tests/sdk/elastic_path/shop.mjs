// Buys something from the simulated Elastic Path with Elastic Path's own library.
//
//   node shop.mjs http://127.0.0.1:12112
//
// Prints a line per check and ends with 1 at the first that does not hold.

import assert from 'node:assert/strict';
import {
  cancelATransaction,
  checkoutApi,
  confirmOrder,
  createACart,
  createAnAccessToken,
  createCartPaymentIntent,
  createClient,
  createShopperClient,
  deleteACart,
  deleteACartItem,
  getACart,
  getAllCurrencies,
  getAnOrder,
  getByContextAllProducts,
  getByContextProduct,
  getCartItems,
  getCustomerOrders,
  getOrderTransactions,
  manageCarts,
  paymentSetup,
  refundATransaction,
  updateACart,
  updateACartItem,
  updateCartPaymentIntent,
} from '@epcc-sdk/sdks-shopper';

const [, , baseUrl] = process.argv;
const clientId = 'ep_till_client_0123456789abcdef';
const clientSecret = 'ep_till_secret_0123456789abcdef';

/** The data of an answer that must be a success; the library throws at nothing. */
async function good(asked, status = 200) {
  const { data, error, response } = await asked;
  assert.equal(error, undefined, JSON.stringify(error));
  assert.equal(response.status, status);
  return data;
}

async function refused(asked, status) {
  const { error, response } = await asked;
  assert.equal(response.status, status);
  return error.errors[0];
}

const checked = (what) => console.log(`ok ${what}`);

// --- Tokens: the library mints the shopper's itself, the server's is asked for -----------------

const storage = (() => {
  let kept;
  return { get: () => kept, set: (token) => (kept = token), subscribe: () => () => {} };
})();
const { client: shopper } = createShopperClient({ baseUrl }, { clientId, storage });
const bare = createClient({ baseUrl });
const token = await good(
  createAnAccessToken({
    client: bare,
    body: { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret },
  }),
);
assert.equal(token.identifier, 'client_credentials');
const server = createClient({
  baseUrl,
  headers: { Authorization: `Bearer ${token.access_token}` },
});
checked('tokens of both grants');

// --- A cart ------------------------------------------------------------------------------------

const products = await good(
  getByContextAllProducts({ client: shopper, query: { filter: 'in(sku,fry-pan-26,kettle-17)' } }),
);
assert.deepEqual(products.data.map(({ attributes }) => attributes.sku).sort(), ['fry-pan-26', 'kettle-17']);
const pan = products.data.find(({ attributes }) => attributes.sku === 'fry-pan-26');
const one = await good(getByContextProduct({ client: shopper, path: { product_id: pan.id } }));
assert.equal(one.data.meta.display_price.without_tax.amount, 1500);
const currencies = await good(getAllCurrencies({ client: shopper }));
assert.equal(currencies.data[0].code, 'USD');
checked('products and currencies');

const { data: cart } = await good(createACart({ client: shopper, body: { data: { name: 'Mine' } } }), 201);
const path = { cartID: cart.id };
const add = (data) => manageCarts({ client: shopper, path, body: { data } });
await good(add({ type: 'cart_item', id: pan.id, quantity: 1 }), 201);
const shipping = { type: 'custom_item', name: 'Standard', sku: '__ep_shipping', quantity: 1, price: { amount: 599 } };
const items = await good(add(shipping), 201);
const [line, parcel] = items.data;
await good(
  updateACartItem({
    client: shopper,
    path: { ...path, cartitemID: line.id },
    body: { data: { type: 'cart_item', id: line.id, quantity: 2 } },
  }),
);
await good(deleteACartItem({ client: shopper, path: { ...path, cartitemID: parcel.id } }));
await good(add({ ...shipping, price: { amount: 500 } }), 201);
assert.equal((await refused(add({ type: 'cart_item', sku: 'nothing', quantity: 1 }), 404)).title, 'Product not found');
assert.equal((await good(getCartItems({ client: shopper, path }))).data.length, 2);
const read = await good(getACart({ client: shopper, path, query: { include: ['items', 'tax_items'] } }));
assert.equal(read.data.meta.display_price.with_tax.amount, 3500);
assert.equal(read.included.items.length, 2);
checked('a cart with goods and shipping');

// --- A payment ---------------------------------------------------------------------------------

const pay = (client, confirmation_token) =>
  createCartPaymentIntent({
    client,
    path,
    body: {
      data: {
        gateway: 'elastic_path_payments_stripe',
        method: 'purchase',
        options: {
          automatic_payment_methods: { enabled: true },
          confirm: true,
          confirmation_token,
          return_url: 'https://shop.example/return',
        },
      },
    },
  });
assert.equal((await refused(pay(shopper, 'ctoken_ok'), 403)).code, 'gateway.scopes.authorise');
await refused(pay(server, 'ctoken_decline_4xx'), 400);
const challenged = await good(pay(server, 'ctoken_3ds'), 201);
const intent = challenged.meta.payment_intent.payment_intent;
assert.equal(intent.status, 'requires_action');
const updated = await good(
  updateCartPaymentIntent({
    client: server,
    path: { ...path, paymentIntentID: intent.id },
    body: {
      data: {
        gateway: 'elastic_path_payments_stripe',
        method: 'purchase',
        options: { metadata: { attempt: 'a1' } },
      },
    },
  }),
);
assert.equal(updated.meta.payment_intent.payment_intent.metadata.attempt, 'a1');
await good(updateACart({ client: shopper, path, body: { data: { payment_intent_id: '' } } }));
const paid = await good(pay(server, 'ctoken_ok'), 201);
assert.equal(paid.meta.payment_intent.payment_intent.status, 'succeeded');
checked('a decline, a challenge that is left behind, a payment');

// --- Orders ------------------------------------------------------------------------------------

const address = {
  first_name: 'Jane', last_name: 'Doe', company_name: '', line_1: '123 Main St', line_2: '',
  city: 'Springfield', county: '', region: 'IL', postcode: '62701', country: 'US',
};
const checkOut = (customer, external_ref) =>
  checkoutApi({
    client: shopper,
    path,
    body: { data: { customer, external_ref, billing_address: address, shipping_address: address } },
  });
const nobody = await refused(checkOut({ name: 'Jane Doe', email: 'jane' }, 'a1'), 400);
assert.equal(nobody.source, 'data.customer.email');
const { data: order } = await good(checkOut({ name: 'Jane Doe', email: 'jane@example.com' }, 'a1'), 201);
assert.equal(order.payment, 'unpaid');
const orderPath = { orderID: order.id };
const { data: transaction } = await good(confirmOrder({ client: server, path: orderPath, body: { data: {} } }));
assert.deepEqual([transaction.status, transaction.transaction_type], ['complete', 'purchase']);
await refused(confirmOrder({ client: server, path: orderPath }), 422);
const got = await good(getAnOrder({ client: server, path: orderPath, query: { include: ['items'] } }));
assert.deepEqual([got.data.payment, got.data.status], ['paid', 'complete']);
const found = await good(getCustomerOrders({ client: server, query: { filter: 'eq(external_ref,a1)' } }));
assert.deepEqual(found.data.map(({ id }) => id), [order.id]);
const transactions = await good(getOrderTransactions({ client: server, path: orderPath }));
assert.equal(transactions.data.length, 1);
checked('a checkout, a confirm, a paid order that is found');

const transactionPath = { ...orderPath, transactionID: transaction.id };
await refused(cancelATransaction({ client: server, path: transactionPath, body: {} }), 422);
const refunded = await good(
  refundATransaction({ client: server, path: transactionPath, body: { data: { amount: 3500 } } }),
);
assert.equal(refunded.data.refunded_amount, 3500);
await good(deleteACart({ client: shopper, path }), 204);
const empty = await good(getACart({ client: shopper, path }));
assert.equal(empty.data.relationships.items.data, null);
checked('a refund, and a cart that is deleted and there again');

await good(manageCarts({ client: shopper, path, body: { data: { type: 'custom_item', name: 'Gift', quantity: 1, price: { amount: 0 } } } }), 201);
const { data: free } = await good(checkOut({ name: 'Jane Doe', email: 'jane@example.com' }, 'a2'), 201);
const settled = await good(
  paymentSetup({
    client: server,
    path: { orderID: free.id },
    body: {
      data: { gateway: 'manual', method: 'purchase', paymentmethod_meta: { name: 'Free order', custom_reference: 'free' } },
    },
  }),
);
assert.equal(settled.data.status, 'complete');
checked('a free order');
process.exit(0);

// A shop in memory, and an app without a page.

import {
  type Challenge,
  type CheckoutRequest,
  createTill,
  type Fetch,
  type Solution,
} from '@till/client';
import { createStub, type TestCard } from '@till/client/stub';
import { type PayableIntent, tillPlugin } from '@till/vue';
import { createPinia } from 'pinia';
import { createApp, effectScope } from 'vue';

export const FORM: CheckoutRequest = {
  email: 'ada@example.org',
  shippingAddress: {
    name: 'Ada Beispiel',
    street: 'Hauptstr. 1',
    postalCode: '10115',
    city: 'Berlin',
    country: 'DE',
  },
  acceptsMarketing: false,
};

/** What a shop asks for while somebody tries out stolen cards, where it has Turnstile. */
export const TURNSTILE: Challenge = { kind: 'turnstile', siteKey: 'of the shop' };

/** Through this an order needs a proof. What is sent for one is in `proofs`. */
export function asksForProof(challenge: Challenge, proofs: Solution[] = []) {
  const error = {
    code: 'checkout.challengeRequired',
    message: 'Solve it.',
    details: { challenge },
  };
  return (fetch: Fetch): Fetch =>
    async (url, init) => {
      if (!url.endsWith('/intent')) return fetch(url, init);
      const { challenge: proof, ...form } = JSON.parse(String(init.body));
      if (!proof) return new Response(JSON.stringify({ error }), { status: 403 });
      proofs.push(proof);
      return fetch(url, { ...init, body: JSON.stringify(form) });
    };
}

/** Somebody's browser. `through` may hold up, lose or forge what goes to and fro. */
export function openShop(through: (fetch: Fetch) => Fetch = (fetch) => fetch) {
  const stub = createStub({
    products: [
      { sku: 'mug', name: 'Mug', price: 12, stock: 10 },
      { sku: 'lamp', name: 'Lamp', price: 40, stock: 10 },
      { sku: 'gift', name: 'Gift', price: 0, stock: 10, requiresShipping: false },
    ],
  });
  const visitor = stub.visitor();
  const till = createTill({ fetch: through(visitor) });
  const app = createApp({});
  app.use(createPinia());
  app.use(tillPlugin, till);
  const scope = effectScope();
  const inApp = <Used>(use: () => Used): Used => {
    const used = app.runWithContext(() => scope.run(use));
    if (used === undefined) throw new Error('the scope has ended');
    return used;
  };
  const product = async (sku: string) => {
    const answer = await createTill({ fetch: visitor }).products.search(sku);
    return (answer.ok && answer.value.items[0]?.id) || '';
  };
  /** As `stripe.confirmPayment` with the Payment Element. */
  const confirmWith = (card: TestCard) => async (intent: PayableIntent) =>
    stub.stripe.confirmPayment({ clientSecret: intent.clientSecret, card });
  return { stub, till, inApp, product, confirmWith, leave: () => scope.stop() };
}

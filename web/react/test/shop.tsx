// A shop in memory, a page, and a Stripe.js that does as it is told and writes down what it was asked.

import { cleanup } from '@testing-library/react';
import { createTill, type Fetch, orThrow, type SessionAddress } from '@till/client';
import { createStub, type TestCard } from '@till/client/stub';
import { afterEach, beforeEach, vi } from 'vitest';

export const GOOD = '4242424242424242';
export const NO_FUNDS = '4000000000009995';
export const CHALLENGED = '4000000000003220';

const ADDRESS: SessionAddress = {
  firstName: 'Ada',
  lastName: 'Beispiel',
  line1: 'Hauptstr. 1',
  city: 'Berlin',
  country: 'DE',
  postcode: '10115',
};

export type Shop = Awaited<ReturnType<typeof openShop>>;

/** Each test has a key of its own: Stripe.js is loaded once for each. */
let keys = 0;
let stripeOfPage: (...asked: unknown[]) => unknown = () => {
  throw new Error('nobody has opened a shop');
};

/** A shopper at the checkout. What goes to and fro is in `calls`. */
export async function openShop({ sku = 'mug', isFilledIn = true, withSession = true } = {}) {
  const stub = createStub({
    products: [
      { sku: 'mug', name: 'Mug', price: 12, stock: 10 },
      { sku: 'gift', name: 'Gift', price: 0, stock: 10, requiresShipping: false },
    ],
  });
  const visitor = stub.visitor();
  const till = createTill({ fetch: visitor });
  const found = orThrow(await till.products.search(sku)).items[0]?.id ?? '';
  orThrow(await till.cart.add(found));
  if (withSession) {
    orThrow(await till.sessions.open());
    if (isFilledIn) await fillIn(till);
  }
  const calls: string[] = [];
  const network: { through: (fetch: Fetch) => Fetch } = { through: (fetch) => fetch };
  const throughShop: Fetch = async (url, init) => {
    calls.push(`${init.method} ${url.replace('/api/checkout/sessions', '')}`);
    return network.through(visitor)(url, init);
  };
  vi.stubGlobal('fetch', throughShop);
  const bank = { card: GOOD as TestCard, does: 'passes' as 'passes' | 'fails' | 'closes' };
  const stripe = fakeStripe(stub, calls, bank);
  const loading = { fails: false };
  stripeOfPage = (...asked) => {
    calls.push(`Stripe(${JSON.stringify(asked[1] ?? null)})`);
    if (loading.fails) throw new Error('Stripe.js does not like the key');
    return stripe;
  };
  keys += 1;
  const count = (call: string) => calls.filter((made) => made === call).length;
  return { stub, till, calls, count, network, bank, stripe, loading, key: `pk_test_${keys}` };
}

async function fillIn(till: ReturnType<typeof createTill>) {
  const customerInfo = { name: 'Ada Beispiel', email: 'ada@example.org' };
  const addresses = { shippingAddress: ADDRESS, billingAddress: ADDRESS };
  orThrow(await till.sessions.update({ customerInfo, ...addresses }));
  const { session } = orThrow(await till.sessions.shipping());
  const rate = session.availableShippingRates[0];
  if (rate) orThrow(await till.sessions.update({ selectedShippingRateId: rate.id }));
}

type Heard = Record<string, (event: unknown) => void>;

function fakeStripe(
  stub: ReturnType<typeof createStub>,
  calls: string[],
  bank: { card: TestCard; does: 'passes' | 'fails' | 'closes' },
) {
  const told = { submit: {} as { error?: { message: string } }, options: [] as unknown[] };
  const heard: Record<string, Heard> = {};
  const element = (type: string, options: unknown) => {
    told.options.push({ type, options });
    const handlers: Heard = {};
    heard[type] = handlers;
    return {
      on(event: string, handler: (event: unknown) => void) {
        handlers[event] = handler;
      },
      off: () => undefined,
      once: () => undefined,
      mount: () => queueMicrotask(() => handlers.ready?.({ elementType: type })),
      update: () => undefined,
      destroy: () => undefined,
    };
  };
  return {
    told,
    /** The shopper types an address. */
    types: (value: unknown) => heard.address?.change?.({ complete: true, value }),
    elements(options: unknown) {
      told.options.push(options);
      return {
        create: element,
        getElement: () => null,
        update: (changed: unknown) => void told.options.push(changed),
        async submit() {
          calls.push('elements.submit');
          return told.submit;
        },
      };
    },
    createToken: () => undefined,
    createPaymentMethod: () => undefined,
    confirmCardPayment: () => undefined,
    confirmPayment() {
      calls.push('confirmPayment');
    },
    registerAppInfo: () => undefined,
    _registerWrapper: () => undefined,
    async createConfirmationToken() {
      calls.push('createConfirmationToken');
      return stub.stripe.createConfirmationToken({ card: bank.card });
    },
    async handleNextAction({ clientSecret }: { clientSecret: string }) {
      calls.push('handleNextAction');
      if (bank.does === 'closes')
        return { error: { code: 'payment_intent_authentication_failure' } };
      return stub.stripe.handleNextAction({ clientSecret, passes: bank.does === 'passes' });
    },
  };
}

beforeEach(() => {
  // The loader takes a Stripe.js that is there, and keeps to it.
  Object.assign(window, {
    Stripe: Object.assign((...asked: unknown[]) => stripeOfPage(...asked), { version: 'endive' }),
  });
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

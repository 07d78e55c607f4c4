import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type CheckoutRequest, createTill, orThrow } from '../src/index.js';
import { createStub } from '../src/stub/index.js';
import { KNOWN } from '../src/stub/refusal.js';
import { contract } from './contract/index.js';
import { CATALOGUE, type CatalogueRow, type Stage } from './stage.js';

contract('the stub', async (): Promise<Stage> => {
  const rows: CatalogueRow[] = CATALOGUE;
  const stub = createStub({
    products: rows.map(({ isDownload = false, price, ...row }) => ({
      ...row,
      price: Number(price),
      requiresShipping: !isDownload,
    })),
    customAttributes: ['gift', 'note'],
  });
  const { stripe } = stub;
  return {
    visitor: () => createTill({ fetch: stub.visitor() }),
    stripe: {
      async confirmPayment(clientSecret, card) {
        const { paymentIntent, error } = await stripe.confirmPayment({ clientSecret, card });
        return paymentIntent?.status ?? error?.code ?? '';
      },
      async createConfirmationToken(card) {
        return (await stripe.createConfirmationToken({ card })).confirmationToken.id;
      },
      async authenticate(clientSecret, passes) {
        await stripe.handleNextAction({ clientSecret, passes });
      },
    },
    async letter(to, count = 1) {
      const letters = stub.letters(to).filter(({ kind }) => kind !== 'known');
      expect(letters.length).toBe(count);
      return letters.at(-1)?.token ?? '';
    },
    setPrice: async (sku, price) => stub.setPrice(sku, Number(price)),
    setStock: async (sku, stock) => stub.setStock(sku, stock),
    close: async () => undefined,
  };
});

const FORM: CheckoutRequest = {
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

/** A purchase up to the moment after the browser's confirmation. */
async function purchase() {
  const stub = createStub();
  const till = createTill({ fetch: stub.visitor() });
  stub.stripe.holdEvents();
  const { items } = orThrow(await till.products.list());
  orThrow(await till.cart.add(items[0]?.id ?? ''));
  const { orderId, clientSecret = '' } = orThrow(await till.checkout.createIntent(FORM));
  await stub.stripe.confirmPayment({ clientSecret, card: '4242424242424242' });
  return { stub, till, orderId };
}

/** Status and sentence of each code that the document has an example of. */
function documented(): Map<string, [number, string]> {
  const file = new URL('../../../docs/openapi.json', import.meta.url);
  const { paths } = JSON.parse(readFileSync(file, 'utf8'));
  const found = new Map<string, [number, string]>();
  for (const { responses } of Object.values<object>(paths).flatMap(Object.values)) {
    for (const [status, { content = {} }] of Object.entries<{ content?: object }>(responses)) {
      for (const [code, { value }] of Object.values(content).flatMap(examplesOf)) {
        found.set(code, [Number(status), value.error.message]);
      }
    }
  }
  return found;
}

type Example = [string, { value: { error: { message: string } } }];
const examplesOf = ({ examples = {} }): Example[] => Object.entries(examples);

describe('the stub alone', () => {
  it('words its failures as the document does', () => {
    const examples = documented();
    const ours = Object.entries(KNOWN).filter(([code]) => examples.has(code));
    expect(ours.length).toBeGreaterThan(20);
    for (const [code, known] of ours)
      expect([code, ...known]).toEqual([code, ...(examples.get(code) ?? [])]);
  });

  it('gives the same answers to the same calls', async () => {
    const told = async () => {
      const { till, orderId } = await purchase();
      return JSON.stringify([
        orThrow(await till.orders.get(orderId)),
        orThrow(await till.cart.get()),
      ]);
    };
    expect(await told()).toBe(await told());
  });

  it('leaves an order pending while the event is late, and never asks to pay again', async () => {
    const { stub, till, orderId } = await purchase();
    const late = orThrow(await till.checkout.confirm(orderId));
    expect([late.status, late.payment?.status]).toEqual(['pending', 'succeeded']);
    orThrow(await till.cart.clear());
    orThrow(await till.cart.add(late.items[0]?.productId ?? '', 2));
    expect(await till.checkout.createIntent(FORM)).toMatchObject({
      failure: { code: 'request.conflict', details: { orderId } },
    });
    stub.stripe.releaseEvents();
    expect(orThrow(await till.orders.get(orderId)).status).toBe('paid');
  });

  it('ends a call that was given up before it began', async () => {
    const till = createTill({ fetch: createStub().visitor() });
    const answer = await till.cart.get({ signal: AbortSignal.abort() });
    expect(answer).toMatchObject({ failure: { code: 'aborted' } });
  });

  it('knows no route that the document does not have', async () => {
    const fetch = createStub().visitor();
    for (const [method, url] of [
      ['GET', '/api/cart/items/x'],
      ['GET', '/api/products/x/y'],
      ['POST', '/api/orders/x'],
      ['GET', '/elsewhere'],
    ] as const) {
      expect((await fetch(url, { method })).status).toBe(404);
    }
  });
});

// The storefront of examples/next before a shop on either backend, for each of the runner's workers, and
// the books behind it.

import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test as base, expect } from '@playwright/test';
import { freePorts, Programs, startShop, stop } from '../client/test/server.js';
import { CATALOGUE } from '../client/test/stage.js';
import { paidOrders, takenAtStripe } from './shop.js';

export { expect, PaymentForm } from './shop.js';

/** Where carts and orders are. */
export type Backend = 'native' | 'elastic-path';

/** What a walk on a backend gets. */
export const testOn = (backend: Backend) =>
  base.extend<{ booksAreEqual: undefined }, { shop: Shop }>({
    shop: [
      // biome-ignore lint/correctness/noEmptyPattern: the runner reads the names of what is needed
      async ({}, use) => {
        const shop = await Shop.open(backend);
        await use(shop);
        await shop.close();
      },
      { scope: 'worker', timeout: 60_000 },
    ],
    booksAreEqual: [
      async ({ shop }, use, { status, expectedStatus }) => {
        await use(undefined);
        if (status === expectedStatus) await shop.booksAreEqual();
      },
      { auto: true },
    ],
  });

/** What differs between the backends. */
interface Behind {
  /** Till's server, and how it is started again. */
  server: ChildProcess;
  start(): Promise<ChildProcess>;
  stripeUrl: string;
  /** For the storefront. */
  settings: Record<string, string>;
  /** The merchant changes a product. */
  change(sku: string, change: { price?: string; stock?: number }): Promise<void>;
  /** The payments of paid orders, and those that a person looks at, as `takenAtStripe` writes them. */
  paid(): Promise<string[]>;
  /** The next payment is made, and its answer does not come for a while. */
  holdAnswer(): Promise<void>;
  /** Payments that were begun. */
  payments(): Promise<number>;
}

const EXAMPLE = fileURLToPath(new URL('../examples/next', import.meta.url));
const NEXT = fileURLToPath(new URL('../node_modules/next/dist/bin/next', import.meta.url));
const LATE_MS = 5000;

/** The storefront and everything behind it. */
export class Shop {
  private constructor(
    private readonly programs: Programs,
    private readonly behind: Behind,
    readonly url: string,
  ) {}

  static async open(backend: Backend): Promise<Shop> {
    const till = process.env.TILL_BINARY;
    if (!till) throw new Error('TILL_BINARY names no binary of the server');
    const programs = await Programs.of(till);
    try {
      const [port] = await freePorts();
      const url = `http://127.0.0.1:${port}`;
      const behind = await (backend === 'native' ? openNative : openPlatform)(programs, url);
      const env = {
        NODE_ENV: 'production',
        NEXT_TELEMETRY_DISABLED: '1',
        STRIPE_JS_URL: `${behind.stripeUrl}/endive/stripe.js`,
        ...behind.settings,
      };
      const next = [process.execPath, NEXT, 'start', '-H', '127.0.0.1', '-p', String(port)];
      await programs.launch(next, { cwd: EXAMPLE, env }, url);
      return new Shop(programs, behind, url);
    } catch (error) {
      await programs.close();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.programs.close();
  }

  change(sku: string, change: { price?: string; stock?: number }): Promise<void> {
    return this.behind.change(sku, change);
  }

  /** Every order's money is what Stripe has taken, once, and the other way round. */
  async booksAreEqual(): Promise<void> {
    const { paid, stripeUrl } = this.behind;
    await expect(async () => expect(await paid()).toEqual(await takenAtStripe(stripeUrl))).toPass({
      timeout: 20_000,
    });
  }

  /** The banks answer all debits. */
  async settleDebits(): Promise<void> {
    const { stripeUrl } = this.behind;
    const entries = await json<{ id: string; status: string }[]>(`${stripeUrl}/_sim/ledger`);
    for (const { id, status } of entries) {
      if (status === 'processing') await post(`${stripeUrl}/_sim/payment_intents/${id}/settle`, {});
    }
  }

  /** Till dies in the middle of the payment that `pay` begins, and is started again. */
  async dieDuring(pay: () => Promise<void>): Promise<void> {
    const { behind } = this;
    const before = await behind.payments();
    await behind.holdAnswer();
    await pay();
    await expect.poll(() => behind.payments()).toBeGreaterThan(before);
    await stop(behind.server, 'SIGKILL');
    behind.server = await behind.start();
  }
}

/** Carts and orders are Till's own. */
async function openNative(programs: Programs, url: string): Promise<Behind> {
  const started = await startShop(programs, { TILL_PUBLIC_URL: url });
  const { shopUrl, stripeUrl, env, change, server, serve } = started;
  return {
    server,
    start: serve,
    stripeUrl,
    settings: { TILL_URL: shopUrl },
    change,
    paid: () => paidOrders(programs, env),
    holdAnswer: () =>
      post(`${stripeUrl}/_sim/faults`, {
        method: 'POST',
        path: '/v1/payment_intents',
        kind: 'slow_after',
        ms: LATE_MS,
      }),
    payments: async () => (await json<unknown[]>(`${stripeUrl}/_sim/ledger`)).length,
  };
}

interface EpLedger {
  payments: { id: string; amount: number; currency: string; order_ids: string[] }[];
  orders: { id: string; payment: string; total: number; currency: string }[];
  transactions: { order_id: string; reference: string; status: string }[];
}

const CLIENT = { EP_CLIENT_ID: 'ep_till_client_0123456789abcdef' };
const SECRETS = {
  EP_CLIENT_SECRET: 'ep_till_secret_0123456789abcdef',
  BETTER_AUTH_SECRET: 'a secret of better-auth that is long enough',
};

/** Carts and orders are a simulated Elastic Path's, and its payments a simulated Stripe's. */
async function openPlatform(programs: Programs, url: string): Promise<Behind> {
  const [storePort, stripePort] = await freePorts();
  const [shopPort] = await freePorts();
  const [storeUrl, stripeUrl, shopUrl] = [storePort, stripePort, shopPort].map(
    (port) => `http://127.0.0.1:${port}`,
  ) as [string, string, string];
  const at = (port: number) => `127.0.0.1:${port}`;
  const simulate = ['simulate', 'elastic-path', '--listen', at(storePort), '--currency', 'EUR'];
  simulate.push('--stripe', at(stripePort));
  await programs.start(simulate, {}, `${storeUrl}/_sim/modes`);
  const ids = await fillStore(storeUrl);
  const env = {
    DATABASE_URL: `sqlite://${programs.folder}/till.db`,
    TILL_BACKEND: 'elastic-path',
    TILL_LISTEN: at(shopPort),
    TILL_PUBLIC_URL: url,
    TILL_SECRET: 'a secret of thirty-two characters',
    TILL_SHIPPING: '*:4.90/50.00',
    TILL_CURRENCY: 'EUR',
    TILL_RATE_VISITOR_PER_MINUTE: '6000',
    TILL_RATE_ADDRESS_PER_MINUTE: '60000',
    TILL_SHIELD: 'off',
    EP_API_BASE_URL: storeUrl,
    EP_CLOSES_CHALLENGES: 'yes',
    EP_CALLS_PER_SECOND: '100',
    ...CLIENT,
    ...SECRETS,
  };
  const start = () => programs.start(['serve'], env, `${shopUrl}/readyz`);
  const ledger = () => json<EpLedger>(`${storeUrl}/_sim/ledger`);
  return {
    server: await start(),
    start,
    stripeUrl,
    settings: {
      TILL_URL: shopUrl,
      EP_API_BASE_URL: storeUrl,
      BETTER_AUTH_URL: url,
      ...CLIENT,
      ...SECRETS,
    },
    async change(sku, { price, stock }) {
      const product = `${storeUrl}/_sim/products/${ids.get(sku)}`;
      if (price) await post(`${product}/price`, { currency: 'EUR', amount: minor(price) });
      if (stock !== undefined) await post(`${product}/stock`, { stock });
    },
    async paid() {
      const { orders, transactions, payments } = await ledger();
      // Money without an order is a person's matter, or it is missing in these books.
      const matters = await programs.run(['orders', 'attention', '--json'], env);
      const looked = payments.filter(
        ({ id, order_ids }) => !order_ids.length && matters.includes(id),
      );
      const isLooked = (breach: string) => looked.some(({ id }) => breach.startsWith(id));
      const breaches = await json<string[]>(`${storeUrl}/_sim/breaches`);
      expect(breaches.filter((breach) => !isLooked(breach))).toEqual([]);
      const written = looked.map(
        ({ id, amount, currency }) => `${id} ${amount} ${currency.toLowerCase()}`,
      );
      const sold = orders
        .filter(({ payment }) => payment === 'paid')
        .map(({ id, total, currency }) => {
          const booked = transactions.find(
            (one) => one.order_id === id && one.status === 'complete',
          );
          return `${booked?.reference} ${total} ${currency.toLowerCase()}`;
        });
      return [...sold, ...written].sort();
    },
    holdAnswer: () =>
      post(`${storeUrl}/_sim/faults`, {
        method: 'POST',
        path: '/v2/carts/{}/payments',
        kind: 'slow_after',
        ms: LATE_MS,
      }),
    payments: async () => (await ledger()).payments.length,
  };
}

/** The same goods as in the shop of our own; their ids by number. */
async function fillStore(storeUrl: string): Promise<Map<string, string>> {
  const ids = new Map<string, string>();
  for (const { sku, name, description, price, stock } of CATALOGUE) {
    const id = crypto.randomUUID();
    ids.set(sku, id);
    const prices = { EUR: minor(price) };
    await post(`${storeUrl}/_sim/products`, { id, sku, name, description, prices, stock });
  }
  return ids;
}

const minor = (price: string) => Math.round(Number(price) * 100);

async function json<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T;
}

async function post(url: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text());
}

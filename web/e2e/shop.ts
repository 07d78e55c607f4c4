// A shop of the real server for each of the runner's workers, pages in it, and its books.

import { readdir, readFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test as base, expect, type Page } from '@playwright/test';
import { build } from 'esbuild';
import { newestToken, Programs, startShop, stop } from '../client/test/server.js';

/** What a walk gets. */
export const test = base.extend<{ booksAreEqual: undefined }, { shop: Shop }>({
  shop: [
    // biome-ignore lint/correctness/noEmptyPattern: the runner reads the names of what is needed
    async ({}, use) => {
      const shop = await Shop.open();
      await use(shop);
      await shop.close();
    },
    { scope: 'worker' },
  ],
  booksAreEqual: [
    async ({ shop }, use, { status, expectedStatus }) => {
      await use(undefined);
      if (status === expectedStatus) await shop.booksAreEqual();
    },
    { auto: true },
  ],
});

export { expect };

/** A payment intent on the simulated Stripe's books. */
interface Entry {
  id: string;
  status: string;
  amount_received: number;
  currency: string;
  charges_succeeded: number;
}

/** The programs of a shop, and a storefront before them. */
export class Shop {
  private constructor(
    private readonly programs: Programs,
    private readonly started: Started,
    private readonly storefront: Server,
  ) {}

  static async open(): Promise<Shop> {
    const till = process.env.TILL_BINARY;
    if (!till) throw new Error('TILL_BINARY names no binary of the server');
    const programs = await Programs.of(till);
    try {
      const started = await startShop(programs);
      return new Shop(programs, started, await openStorefront(started));
    } catch (error) {
      await programs.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.storefront.close();
    this.storefront.closeAllConnections();
    await this.programs.close();
  }

  get stripeUrl(): string {
    return this.started.stripeUrl;
  }

  /** Where the server's own storefront is. */
  get ownUrl(): string {
    return this.started.shopUrl;
  }

  /** The link in the letter about an order. */
  async linkInLetter(orderId: string): Promise<string> {
    const folder = join(this.programs.folder, 'mails');
    let link: string | undefined;
    await expect(async () => {
      const letters = await Promise.all(
        (await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')),
      );
      // A line of a letter is cut where it is long, and "=" is written as what it is in hexadecimal.
      const texts = letters.map((text) => text.replace(/=\r?\n/g, '').replaceAll('=3D', '='));
      const links = texts.flatMap((text) => text.match(/http\S+\?token=[0-9a-f]+/g) ?? []);
      link = links.find((found) => found.includes(orderId));
      expect(link).toBeDefined();
    }).toPass({ timeout: 20_000 });
    return link ?? '';
  }

  /** What the link of the newest letter to a customer holds, when so many with a link have come. */
  tokenInLetter(to: string, count = 1): Promise<string> {
    return newestToken(join(this.programs.folder, 'mails'), to, count);
  }

  /** The server's process is killed. */
  async crash(): Promise<void> {
    await stop(this.started.server, 'SIGKILL');
  }

  /** It is started again, on the same database. */
  async restart(): Promise<void> {
    this.started.server = await this.started.serve();
  }

  /** The merchant changes a product. */
  change(sku: string, change: { price?: string; stock?: number }): Promise<void> {
    return this.started.change(sku, change);
  }

  /** Where the walks' own pages are. */
  get url(): string {
    return `http://127.0.0.1:${portOf(this.storefront)}`;
  }

  /** Opens a page of `pages`. What it does not catch fails the walk. */
  async visit(page: Page, name: string, query: Record<string, string> = {}): Promise<void> {
    page.on('pageerror', (error) => expect.soft(error.stack).toBeUndefined());
    const publishableKey = this.started.env.STRIPE_PUBLISHABLE_KEY;
    await page.goto(
      `${this.url}/walk/${name}?${new URLSearchParams({ ...query, key: publishableKey })}`,
    );
  }

  /** The order's money is what Stripe has taken, once, and the other way round. */
  async booksAreEqual(): Promise<void> {
    const { programs, started, stripeUrl } = this;
    await expect(async () =>
      expect(await paidOrders(programs, started.env)).toEqual(await takenAtStripe(stripeUrl)),
    ).toPass({ timeout: 20_000 });
  }

  /** What the shop's server could ask of Stripe. */
  async atStripe<T>(path: string, fields?: Record<string, string>): Promise<T> {
    const headers = { authorization: `Bearer ${this.started.env.STRIPE_SECRET_KEY}` };
    const asked = fields ? { method: 'POST', body: new URLSearchParams(fields) } : {};
    const answer = await fetch(`${this.stripeUrl}/v1/${path}`, { ...asked, headers });
    return (await answer.json()) as T;
  }

  /** An intent that belongs to no order. */
  createIntent(amount: number): Promise<{ id: string; client_secret: string }> {
    return this.atStripe('payment_intents', { amount: String(amount), currency: 'eur' });
  }

  /** The banks answer all debits. */
  async settleDebits(): Promise<void> {
    for (const { id } of await this.entries('processing')) await this.order(`${id}/settle`);
  }

  /** The holders answer their banks elsewhere. */
  async authenticate(outcome: 'succeeded' | 'failed'): Promise<void> {
    for (const { id } of await this.entries('requires_action')) {
      await this.order(`${id}/authenticate`, { outcome });
    }
  }

  private async order(what: string, body: Record<string, string> = {}): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    const asked = { method: 'POST', headers, body: JSON.stringify(body) };
    const answer = await fetch(`${this.stripeUrl}/_sim/payment_intents/${what}`, asked);
    if (!answer.ok) throw new Error(await answer.text());
  }

  private async entries(status: string): Promise<Entry[]> {
    const entries = (await (await fetch(`${this.stripeUrl}/_sim/ledger`)).json()) as Entry[];
    return entries.filter((entry) => entry.status === status);
  }

  /** What Stripe knows of those who have paid. */
  async payers(): Promise<unknown[]> {
    const state = (await (await fetch(`${this.stripeUrl}/_sim/state`)).json()) as {
      charges: { billing_details: unknown }[];
    };
    return state.charges.map(({ billing_details }) => billing_details);
  }
}

/** The shop's paid orders: each with its payment, amount and currency. */
export async function paidOrders(programs: Programs, env: NodeJS.ProcessEnv): Promise<string[]> {
  const words = ['orders', 'export', '--state', 'paid'];
  const [, ...rows] = (await programs.run(words, env)).trim().split('\n');
  return (
    rows
      .map((row) => row.trim().split(','))
      // Nobody pays for what costs nothing.
      .filter((row) => Number(row[17]) > 0)
      .map(([order, , , , , , , , , , , , currency, , , , , total, , payment]) => {
        if (!order || !payment) throw new Error('the export has other columns');
        return `${payment} ${Math.round(Number(total) * 100)} ${currency?.toLowerCase()}`;
      })
      .sort()
  );
}

/** What the simulated Stripe has taken: each payment with its amount and currency, once. */
export async function takenAtStripe(stripeUrl: string): Promise<string[]> {
  const entries = (await (await fetch(`${stripeUrl}/_sim/ledger`)).json()) as Entry[];
  for (const { id, charges_succeeded: times } of entries) expect(times, id).toBeLessThan(2);
  return entries
    .filter(({ status }) => status === 'succeeded')
    .map(({ id, amount_received, currency }) => `${id} ${amount_received} ${currency}`)
    .sort();
}

type Started = Awaited<ReturnType<typeof startShop>>;

const BUNDLES = new Map<string, Promise<string>>();

/** A page's script with the real packages in it. */
function bundle(name: string): Promise<string> {
  const known = BUNDLES.get(name);
  if (known) return known;
  const bundled = build({
    entryPoints: [fileURLToPath(new URL(`pages/${name}.tsx`, import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"development"' },
    logLevel: 'silent',
  }).then(({ outputFiles }) => outputFiles[0]?.text ?? '');
  BUNDLES.set(name, bundled);
  return bundled;
}

/** For pages whose script is loaded by Stripe's own packages: the simulator answers as Stripe. */
export async function standInAtStripe(page: Page, stripeUrl: string): Promise<void> {
  await page.route('https://js.stripe.com/**', async (route) => {
    const { pathname, search } = new URL(route.request().url());
    await route.fulfill({ response: await route.fetch({ url: stripeUrl + pathname + search }) });
  });
}

/** The pages, with a policy that lets in Stripe.js alone, and everything else from the shop. */
async function openStorefront({ shopUrl, stripeUrl, env }: Started): Promise<Server> {
  const policy = [
    "default-src 'none'",
    `script-src 'self' ${stripeUrl} https://js.stripe.com`,
    `connect-src 'self' ${stripeUrl} https://js.stripe.com`,
    `frame-src ${stripeUrl} https://js.stripe.com`,
    'img-src data:',
  ].join('; ');
  const server = createServer(async (asked, answer) => {
    const [, name, kind] = /^\/walk\/(\w+)(\.js)?(\?|$)/.exec(asked.url ?? '') ?? [];
    if (name && kind) {
      const script = await bundle(name);
      answer.writeHead(200, { 'content-type': 'text/javascript' }).end(script);
    } else if (name) {
      const headers = { 'content-type': 'text/html', 'content-security-policy': policy };
      const loads = asked.url?.includes('loader=') ? undefined : env.STRIPE_JS_URL;
      answer.writeHead(200, headers).end(html(loads, name));
    } else {
      const { method, headers } = asked;
      const forwarded = request(new URL(asked.url ?? '', shopUrl), { method, headers }, (given) => {
        answer.writeHead(given.statusCode ?? 502, given.headers);
        given.pipe(answer);
      });
      forwarded.on('error', () => answer.destroy());
      asked.pipe(forwarded);
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

/** Where Stripe.js comes first, the packages use the one that is there, and load none. */
const html = (stripeJsUrl: string | undefined, name: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A walk</title>
${stripeJsUrl ? `<script src="${stripeJsUrl}"></script>` : ''}
<script type="module" src="/walk/${name}.js"></script>
</head>
<body><main><h1>A walk</h1><div id="page"></div></main></body>
</html>`;

/** The form for a payment, in its frame. */
export class PaymentForm {
  constructor(readonly page: Page) {}

  get frame() {
    return this.page.frameLocator('iframe[title="Secure payment input frame"]');
  }

  async typeCard(number: string): Promise<void> {
    await this.frame.getByLabel('Card number').fill(number);
    await this.frame.getByLabel('Expiration date').fill('1240');
    await this.frame.getByLabel('Security code').fill('123');
  }

  /** The bank's page over the shop's. */
  get challenge() {
    return this.page.frameLocator('iframe[title="3-D Secure"]');
  }
}

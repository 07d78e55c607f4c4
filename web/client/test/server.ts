// The real server and the simulated Stripe, as processes of their own on free ports of 127.0.0.1.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { type FileHandle, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createTill, type Fetch } from '../src/index.js';
import { CATALOGUE, type CatalogueRow, type Stage, type TestCard } from './stage.js';

const SECRET_KEY = 'sk_test_till_0123456789abcdef';
const PUBLISHABLE_KEY = 'pk_test_till_0123456789abcdef';
const PATIENCE_MS = 30_000;

/** Opens a shop with this binary. */
export async function openServer(till: string): Promise<Stage> {
  const programs = await Programs.of(till);
  try {
    return await openShop(programs);
  } catch (error) {
    await programs.close();
    throw error;
  }
}

async function openShop(programs: Programs): Promise<Stage> {
  const { shopUrl, stripeUrl, change } = await startShop(programs);
  return {
    visitor: () => createTill({ baseUrl: shopUrl, fetch: withCookies() }),
    stripe: browserAtStripe(stripeUrl),
    letter: (to, count = 1) => newestToken(join(programs.folder, 'mails'), to, count),
    setPrice: (sku, price) => change(sku, { price }),
    setStock: (sku, stock) => change(sku, { stock }),
    close: () => programs.close(),
  };
}

/** A shop of the catalogue with a simulated Stripe behind it: where they are, and how it is set up. */
export async function startShop(programs: Programs, settings: Record<string, string> = {}) {
  const [shopPort, stripePort] = await freePorts();
  const shopUrl = `http://127.0.0.1:${shopPort}`;
  const stripeUrl = `http://127.0.0.1:${stripePort}`;
  const atStripe = ['simulate', 'stripe', '--listen', `127.0.0.1:${stripePort}`];
  await programs.start(atStripe, {}, `${stripeUrl}/`);
  const endpoint = await stripePost(stripeUrl)('/v1/webhook_endpoints', {
    key: SECRET_KEY,
    url: `${shopUrl}/api/webhooks/stripe`,
    'enabled_events[]': '*',
  });
  const env = {
    DATABASE_URL: `sqlite://${join(programs.folder, 'till.db')}`,
    TILL_LISTEN: `127.0.0.1:${shopPort}`,
    TILL_SECRET: 'a secret of thirty-two characters',
    TILL_CURRENCY: 'EUR',
    TILL_SHIPPING: '*:4.90/50.00',
    TILL_TAX_RATES: '*:19',
    TILL_CUSTOM_ATTRIBUTES: 'gift, note',
    TILL_RATE_VISITOR_PER_MINUTE: '6000',
    TILL_RATE_ADDRESS_PER_MINUTE: '60000',
    TILL_SHIELD: 'off',
    TILL_ACCOUNT_SIGN_INS: 'network:10000, email:10000',
    TILL_ACCOUNT_LETTERS: 'network:10000, email:10000',
    TILL_MAIL: `folder:${join(programs.folder, 'mails')}`,
    TILL_MAIL_FROM: 'shop@example.org',
    STRIPE_API_BASE: stripeUrl,
    STRIPE_JS_URL: `${stripeUrl}/endive/stripe.js`,
    STRIPE_SECRET_KEY: SECRET_KEY,
    STRIPE_PUBLISHABLE_KEY: PUBLISHABLE_KEY,
    STRIPE_WEBHOOK_SECRET: String(endpoint.secret),
    ...settings,
  };
  await programs.run(['migrate'], env);
  const change = await catalogue(programs, env);
  const serve = () => programs.start(['serve'], env, `${shopUrl}/readyz`);
  const server = await serve();
  return { shopUrl, stripeUrl, env, change, serve, server };
}

/** What the link of the newest letter holds. Letters are named in the order of their writing. */
export async function newestToken(folder: string, to: string, count = 1): Promise<string> {
  let tokens: string[] = [];
  await until(async () => {
    const files = (await readdir(folder)).filter((name) => name.endsWith('.eml')).toSorted();
    const letters = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
    // Lines that are too long for the wire end in `=` (RFC 2045, quoted-printable).
    const hers = letters.filter((text) => text.includes(`To: ${to}`));
    const whole = hers.map((text) => text.replaceAll('=\r\n', '').replaceAll('=3D', '='));
    tokens = whole.flatMap((text) => /#token=([0-9a-f]+)/.exec(text)?.[1] ?? []);
    return tokens.length >= count;
  });
  return tokens.at(-1) ?? '';
}

/** What runs of the binary, in a folder of its own. */
export class Programs {
  private readonly children: ChildProcess[] = [];

  private constructor(
    private readonly till: string,
    readonly folder: string,
    private readonly log: FileHandle,
  ) {}

  static async of(till: string): Promise<Programs> {
    const folder = await mkdtemp(join(tmpdir(), 'till-web-'));
    return new Programs(till, folder, await open(join(folder, 'log'), 'a'));
  }

  /** To its end; gives what it has printed. */
  async run(words: string[], env: NodeJS.ProcessEnv): Promise<string> {
    return (await promisify(execFile)(this.till, words, { cwd: this.folder, env })).stdout;
  }

  /** Until it answers. */
  start(words: string[], env: NodeJS.ProcessEnv, answers: string): Promise<ChildProcess> {
    return this.launch([this.till, ...words], { cwd: this.folder, env }, answers);
  }

  /** Another program beside it, until it answers. */
  async launch(
    [program = '', ...words]: string[],
    options: { cwd: string; env: NodeJS.ProcessEnv },
    answers: string,
  ): Promise<ChildProcess> {
    const { fd } = this.log;
    const child = spawn(program, words, { ...options, stdio: ['ignore', fd, fd] });
    this.children.push(child);
    await until(async () => {
      if (child.exitCode !== null) {
        throw new Error(await readFile(join(this.folder, 'log'), 'utf8'));
      }
      return (await fetch(answers).catch(() => undefined))?.ok === true;
    });
    return child;
  }

  async close(): Promise<void> {
    await Promise.all(this.children.map((child) => stop(child)));
    await this.log.close();
    await rm(this.folder, { recursive: true });
  }
}

/** Ends a program, and waits until it has ended. */
export async function stop(child: ChildProcess, how?: 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((exited) => child.once('exit', exited));
  child.kill(how);
  await ended;
}

/** Fills the shop, and gives what changes a product of it. */
async function catalogue(programs: Programs, env: NodeJS.ProcessEnv) {
  const rows: CatalogueRow[] = CATALOGUE.map((row) => ({ ...row }));
  const importRows = async (changed: CatalogueRow[]) => {
    const file = join(programs.folder, 'catalogue.csv');
    await writeFile(file, csv(changed));
    await programs.run(['catalog', 'import', file], env);
  };
  await importRows(rows);
  return async (sku: string, change: Partial<CatalogueRow>) => {
    const row = rows.find((known) => known.sku === sku);
    if (!row) throw new Error(`no ${sku}`);
    await importRows([Object.assign(row, change)]);
  };
}

/** What Stripe.js sends. */
function browserAtStripe(stripeUrl: string): Stage['stripe'] {
  const post = stripePost(stripeUrl);
  return {
    async confirmPayment(clientSecret, card) {
      const answer = await post(`/v1/payment_intents/${nameOf(clientSecret)}/confirm`, {
        key: PUBLISHABLE_KEY,
        client_secret: clientSecret,
        return_url: 'https://shop.example/return',
        use_stripe_sdk: 'true',
        ...fieldsOf(card),
      });
      const error = answer.error as { code?: string } | undefined;
      return String(answer.status ?? error?.code);
    },
    async createConfirmationToken(card) {
      const fields = { key: PUBLISHABLE_KEY, ...fieldsOf(card) };
      return String((await post('/v1/confirmation_tokens', fields)).id);
    },
    async authenticate(clientSecret, passes) {
      await fetch(`${stripeUrl}/_sim/payment_intents/${nameOf(clientSecret)}/authenticate`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ outcome: passes ? 'succeeded' : 'failed' }),
      });
    },
  };
}

/** A browser as far as cookies go. */
function withCookies(): Fetch {
  const jar = new Map<string, string>();
  return async (url, init) => {
    const headers = new Headers(init.headers);
    if (jar.size > 0) headers.set('cookie', [...jar].map((pair) => pair.join('=')).join('; '));
    const response = await fetch(url, { ...init, headers });
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (line.split(';')[0] ?? '').split(/=(.*)/s);
      jar.set(name, value);
    }
    return response;
  };
}

function stripePost(stripeUrl: string) {
  return async (path: string, fields: Record<string, string>) => {
    const answer = await fetch(stripeUrl + path, {
      method: 'POST',
      body: new URLSearchParams(fields),
    });
    return (await answer.json()) as Record<string, unknown>;
  };
}

const nameOf = (clientSecret: string) => clientSecret.split('_secret_')[0] ?? '';

const fieldsOf = (card: TestCard) => ({
  'payment_method_data[type]': 'card',
  'payment_method_data[card][number]': card,
  'payment_method_data[card][exp_month]': '12',
  'payment_method_data[card][exp_year]': '2040',
  'payment_method_data[card][cvc]': '123',
});

function csv(rows: CatalogueRow[]): string {
  const lines = rows.map(({ sku, name, description, price, stock, isDownload = false }) =>
    [sku, name, description, '', price, 'EUR', stock, true, !isDownload].join(','),
  );
  const head = 'sku,name,description,image,price,currency,stock,active,requires_shipping';
  return `${[head, ...lines].join('\n')}\n`;
}

/** Two ports that are nobody's. */
export async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((found) => {
          server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            found(typeof address === 'object' && address ? address.port : 0);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return [ports[0] ?? 0, ports[1] ?? 0];
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error('it did not come to that');
    await new Promise((passed) => setTimeout(passed, 50));
  }
}

// What docs/integrating.md says, done: its files are written, its settings set, and something is bought.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test as base, expect, type Page } from '@playwright/test';
import { freePorts, Programs, startShop } from '../../client/test/server.js';
import { PaymentForm, paidOrders, takenAtStripe } from '../shop.js';

const WEB = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLE = join(WEB, 'examples/next');
const program = (path: string) => [process.execPath, join(WEB, 'node_modules', path)];

const test = base.extend<{ programs: Programs; shown: Shown }>({
  // biome-ignore lint/correctness/noEmptyPattern: the runner reads the names of what is needed
  programs: async ({}, use) => {
    const programs = await Programs.of(process.env.TILL_BINARY ?? '');
    await use(programs);
    await programs.close();
  },
  // biome-ignore lint/correctness/noEmptyPattern: as above
  shown: async ({}, use) =>
    use(new Shown(await readFile(join(WEB, '../docs/integrating.md'), 'utf8'))),
});

/** What the document shows. */
class Shown {
  constructor(private readonly text: string) {}

  /** The block below the line that ends with a colon and names this file. */
  file(name: string): string {
    const blocks = this.text.matchAll(/`([\w./-]+)`[^`\n]*:\n\n```\w+\n(.*?)```/gs);
    const found = [...blocks].find(([, named]) => named === name);
    if (!found?.[2]) throw new Error(`the document does not show ${name}`);
    return found[2];
  }

  /** The settings in a file, at other addresses. */
  settings(name: string, moved: Moved): Record<string, string> {
    const lines = moved(this.file(name)).matchAll(/^(\w+)='?([^'\n]*)'?$/gm);
    return Object.fromEntries([...lines].map(([, key = '', value = '']) => [key, value]));
  }

  /** The command that begins so, in words. */
  command(start: string, moved: Moved): string[] {
    const line = this.text.split('\n').find((found) => found.startsWith(start));
    if (!line) throw new Error(`the document does not say ${start}`);
    return moved(line).split(' ').slice(1);
  }
}

/** Another place for each address: several walks share this machine. */
type Moved = (text: string) => string;

async function elsewhere(...addresses: string[]): Promise<Moved> {
  const places = new Map<string, string>();
  for (const address of addresses) {
    const [port] = await freePorts();
    places.set(address, `127.0.0.1:${port}`);
  }
  return (text) => text.replace(/127\.0\.0\.1:\d+/g, (address) => places.get(address) ?? address);
}

async function payWithTestCard(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Continue to payment' }).click();
  await new PaymentForm(page).typeCard('4242424242424242');
  await page.getByRole('button', { name: /^Pay / }).click();
}

const PAGE =
  '<!doctype html><div id="app"></div><script type="module" src="/src/main.ts"></script>';

test('a developer with Vue has a paid order', async ({ page, programs, shown }) => {
  test.slow();
  const { shopUrl, stripeUrl, env } = await startShop(programs);
  const project = await mkdtemp(join(WEB, 'node_modules/.integrating-'));
  const write = async (name: string, text: string) => {
    await mkdir(dirname(join(project, name)), { recursive: true });
    await writeFile(join(project, name), text);
  };
  for (const name of ['vite.config.ts', 'src/main.ts', 'src/App.vue']) {
    await write(name, shown.file(name));
  }
  // What npm create vite makes.
  await write('index.html', PAGE);
  await write('package.json', '{"type": "module"}');
  const [port] = await freePorts();
  const url = `http://127.0.0.1:${port}`;
  const vite = [...program('vite/bin/vite.js'), '--host', '127.0.0.1', '--port', String(port)];
  await programs.launch(vite, { cwd: project, env: { TILL_URL: shopUrl } }, url);

  await page.goto(url);
  await page.getByRole('button', { name: 'Add Stoneware mug' }).click();
  await page.getByRole('button', { name: 'Pay for 1' }).click();
  await page.getByLabel('E-mail').fill('ada@example.org');
  await page.getByLabel('Full name').fill('Ada Beispiel');
  await page.getByLabel('Street and number').fill('Hauptstr. 1');
  await page.getByLabel('Postal code').fill('10115');
  await page.getByLabel('Town').fill('Berlin');
  await page.getByLabel('Country').selectOption('DE');
  await payWithTestCard(page);
  await expect(page.getByText('Thank you. Your order is paid.')).toBeVisible();
  const taken = await takenAtStripe(stripeUrl);
  expect(taken).toHaveLength(1);
  expect(await paidOrders(programs, env)).toEqual(taken);
  await rm(project, { recursive: true });
});

test('a developer with Elastic Path and Plasmic has a paid order', async ({
  page,
  programs,
  shown,
}) => {
  test.slow();
  for (const name of ['proxy.ts', 'lib/auth.ts', 'plasmic-init.ts']) {
    expect(shown.file(name)).toBe(await readFile(join(EXAMPLE, name), 'utf8'));
  }
  const moved = await elsewhere(
    '127.0.0.1:8080',
    '127.0.0.1:3456',
    '127.0.0.1:12111',
    '127.0.0.1:12112',
  );
  const [shop, url, store] = [8080, 3456, 12112].map((port) => moved(`127.0.0.1:${port}`)) as [
    string,
    string,
    string,
  ];
  const simulate = shown.command('till simulate elastic-path', moved);
  await programs.start([...simulate, '--listen', store], {}, `http://${store}/_sim/modes`);
  const settings = { ...shown.settings('.env', moved), TILL_LISTEN: shop };
  await programs.start(shown.command('till serve', moved), settings, `http://${shop}/readyz`);
  const next = [...program('next/dist/bin/next'), 'start', '-p', url.split(':')[1] ?? ''];
  const env = shown.settings('.env.local', moved);
  await programs.launch(
    next,
    { cwd: EXAMPLE, env: { NODE_ENV: 'production', ...env } },
    `http://${url}`,
  );

  await page.goto(`http://${url}`);
  await page.getByRole('button', { name: 'Add to cart Fry Pan' }).click();
  await page.getByRole('button', { name: 'To the checkout' }).click();
  await page.getByLabel('E-mail').fill('ada@example.org');
  await page.getByLabel('First name').fill('Ada');
  await page.getByLabel('Last name').fill('Beispiel');
  await page.getByLabel('Street and number').fill('Hauptstr. 1');
  await page.getByLabel('Postal code').fill('10115');
  await page.getByLabel('Town').fill('Berlin');
  await payWithTestCard(page);
  await expect(page.getByRole('heading', { name: 'Thank you for your order' })).toBeVisible();
  const books = await (await fetch(`http://${store}/_sim/ledger`)).json();
  const { payments, orders, transactions } = books;
  expect([payments.length, orders.length, transactions.length]).toEqual([1, 1, 1]);
  expect(orders[0]).toMatchObject({ payment: 'paid', total: payments[0].amount });
});

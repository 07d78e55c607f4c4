// Takes the pictures of docs/images from a running demo, whose letters lie in the folder that it names:
// `till demo --data shop` and `npm run pictures -- http://127.0.0.1:8080 shop/mails`.

import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';

const [url = 'http://127.0.0.1:8080', mails = 'mails'] = process.argv.slice(2);
const PASSWORD = 'correct horse battery';
const FOLDER = fileURLToPath(new URL('../../docs/images/', import.meta.url));
const SIZES = [
  { width: 390, height: 844 },
  { width: 1280, height: 800 },
];
const QUALITY = 72;

await mkdir(FOLDER, { recursive: true });
const executablePath = process.env.TILL_CHROMIUM ?? '/usr/bin/chromium';
const browser = await chromium.launch({ executablePath });
for (const viewport of SIZES) {
  for (const colorScheme of ['light', 'dark']) await walk(viewport, colorScheme);
}
await browser.close();

/** Buys something, with a picture of each page. */
async function walk(viewport, colorScheme) {
  const context = await browser.newContext({
    viewport,
    colorScheme,
    locale: 'en-IE',
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  const picture = async (name) => {
    await page.waitForFunction(() =>
      [...document.images].every(({ complete, loading }) => complete || loading === 'lazy'),
    );
    await page.evaluate(() => document.fonts.ready);
    const { data } = await devtools.send('Page.captureScreenshot', {
      format: 'webp',
      quality: QUALITY,
    });
    const file = `${name}-${viewport.width}-${colorScheme}.webp`;
    await writeFile(FOLDER + file, Buffer.from(data, 'base64'));
  };
  await page.goto(url);
  await page.getByRole('link', { name: 'Stoneware mug' }).waitFor();
  await picture('products');
  await page.getByRole('link', { name: 'Desk lamp' }).click();
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await page.getByRole('button', { name: 'Remove' }).waitFor();
  await page.getByRole('button', { name: 'Close the cart' }).click();
  await page.getByRole('link', { name: 'All products' }).click();
  await page.getByRole('link', { name: 'Stoneware mug' }).click();
  await page.getByRole('button', { name: 'Add to cart' }).waitFor();
  await picture('product');
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await page.getByRole('button', { name: 'Remove' }).last().waitFor();
  await picture('cart');
  await page.getByRole('link', { name: 'To the checkout' }).click();
  const email = `ada-${viewport.width}-${colorScheme}@example.org`;
  await page.getByLabel('E-mail').fill(email);
  await fillIn(page, 'Hauptstr. 1');
  await page.evaluate(() => scrollTo(0, 0));
  await picture('checkout');
  await page.getByRole('button', { name: 'Continue to payment' }).click();
  await typeCard(page);
  if (viewport.width > 1000) await page.evaluate(() => scrollTo(0, 0));
  await picture('payment');
  await page.getByRole('button', { name: /^Pay / }).click();
  await page.getByRole('heading', { name: 'Thank you for your order' }).waitFor();
  await page.evaluate(() => scrollTo(0, 0));
  await picture('order');

  await page.getByRole('link', { name: 'Create an account' }).click();
  const password = page.getByLabel('Password', { exact: true });
  await password.fill(PASSWORD);
  await picture('register');
  await page.getByRole('button', { name: 'Create an account' }).click();
  await page.getByRole('heading', { name: 'Look into your mail' }).waitFor();
  await page.goto(`${url}/account/confirm#token=${await tokenFor(email)}`);
  await password.fill(PASSWORD);
  await picture('confirm');
  await page.getByRole('button', { name: 'Confirm' }).click();
  for (const street of ['Hauptstr. 1', 'Nebenstr. 2']) {
    await page.getByRole('button', { name: 'Add an address' }).click();
    await fillIn(page, street);
    await page.getByRole('button', { name: 'Save the address' }).click();
    await page.getByRole('button', { name: 'Add an address' }).waitFor();
  }
  for (const name of ['House coffee, 250 g', 'Dotted notebook, A5']) {
    await page.goto(url);
    await page.getByRole('link', { name }).click();
    await page.getByRole('button', { name: 'Add to cart' }).click();
    await page.getByRole('button', { name: 'Remove' }).waitFor();
    await page.getByRole('link', { name: 'To the checkout' }).click();
    await page.getByLabel('Your addresses').waitFor();
    if (name.startsWith('House')) await picture('addresses');
    await page.getByRole('button', { name: 'Continue to payment' }).click();
    await typeCard(page);
    await page.getByRole('button', { name: /^Pay / }).click();
    await page.getByRole('heading', { name: 'Thank you for your order' }).waitFor();
  }
  await page.goto(`${url}/account`);
  await page.locator('.orders .card').nth(2).waitFor();
  await picture('account');
  await page.goto(`${url}/account/orders`);
  await page.locator('.orders .card').nth(2).waitFor();
  await picture('orders');
  await page.goto(`${url}/account`);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('E-mail').fill(email);
  await password.fill('not her password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('[aria-invalid]').waitFor();
  await picture('sign-in');
  await context.close();
}

async function fillIn(page, street) {
  for (const [label, text] of Object.entries({
    'Full name': 'Ada Beispiel',
    'Street and number': street,
    'Postal code': '10115',
    Town: 'Berlin',
  })) {
    await page.getByLabel(label).fill(text);
  }
  await page.getByLabel('Country').selectOption('DE');
}

async function typeCard(page) {
  const form = page.frameLocator('iframe[title="Secure payment input frame"]');
  await form.getByLabel('Card number').fill('4242424242424242');
  await form.getByLabel('Expiration date').fill('1240');
  await form.getByLabel('Security code').fill('123');
}

/** What the link of the letter to this address holds. */
async function tokenFor(email) {
  for (;;) {
    for (const name of (await readdir(mails)).filter((one) => one.endsWith('.eml'))) {
      const text = (await readFile(join(mails, name), 'utf8')).replaceAll('=\r\n', '');
      const token = /#token=(?:3D)?([0-9a-f]+)/.exec(text)?.[1];
      if (token && text.includes(`To: ${email}`)) return token;
    }
    await new Promise((passed) => setTimeout(passed, 100));
  }
}

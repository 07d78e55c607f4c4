// Takes the pictures of docs/images from a running demo: `npm run pictures -- http://127.0.0.1:8080`.

import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';

const [url = 'http://127.0.0.1:8080'] = process.argv.slice(2);
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
  for (const [label, text] of Object.entries({
    'E-mail': 'ada@example.org',
    'Full name': 'Ada Beispiel',
    'Street and number': 'Hauptstr. 1',
    'Postal code': '10115',
    Town: 'Berlin',
  })) {
    await page.getByLabel(label).fill(text);
  }
  await page.getByLabel('Country').selectOption('DE');
  await page.evaluate(() => scrollTo(0, 0));
  await picture('checkout');
  await page.getByRole('button', { name: 'Continue to payment' }).click();
  const form = page.frameLocator('iframe[title="Secure payment input frame"]');
  await form.getByLabel('Card number').fill('4242424242424242');
  await form.getByLabel('Expiration date').fill('1240');
  await form.getByLabel('Security code').fill('123');
  if (viewport.width > 1000) await page.evaluate(() => scrollTo(0, 0));
  await picture('payment');
  await page.getByRole('button', { name: /^Pay / }).click();
  await page.getByRole('heading', { name: 'Thank you for your order' }).waitFor();
  await page.evaluate(() => scrollTo(0, 0));
  await picture('order');
  await context.close();
}

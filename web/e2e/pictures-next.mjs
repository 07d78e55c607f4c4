// Takes the pictures of examples/next from a running one, before a demo's shop:
// `node e2e/pictures-next.mjs http://127.0.0.1:3456`.

import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';

const [url = 'http://127.0.0.1:3456'] = process.argv.slice(2);
const FOLDER = fileURLToPath(new URL('../../docs/images/', import.meta.url));
const SIZES = [
  { width: 390, height: 844 },
  { width: 1280, height: 800 },
];
const QUALITY = 72;

const executablePath = process.env.TILL_CHROMIUM ?? '/usr/bin/chromium';
const browser = await chromium.launch({ executablePath });
for (const viewport of SIZES) {
  for (const colorScheme of ['light', 'dark']) await walk(viewport, colorScheme);
}
await browser.close();

/** Buys something, with a picture of each page. */
async function walk(viewport, colorScheme) {
  const look = { viewport, colorScheme, locale: 'en-IE', reducedMotion: 'reduce' };
  const context = await browser.newContext(look);
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  const picture = async (name) => {
    await page.waitForFunction(() => [...document.images].every(({ complete }) => complete));
    const asked = { format: 'webp', quality: QUALITY };
    const { data } = await devtools.send('Page.captureScreenshot', asked);
    const file = `next-${name}-${viewport.width}-${colorScheme}.webp`;
    await writeFile(FOLDER + file, Buffer.from(data, 'base64'));
  };
  const toTop = () => page.evaluate(() => scrollTo(0, 0));
  await page.goto(url);
  await page.getByRole('button', { name: 'Add to cart Stoneware mug' }).click();
  await page.getByRole('button', { name: 'To the checkout' }).waitFor();
  await toTop();
  await picture('shop');
  await page.getByRole('button', { name: 'To the checkout' }).click();
  for (const [label, text] of Object.entries({
    'E-mail': 'ada@example.org',
    'First name': 'Ada',
    'Last name': 'Beispiel',
    'Street and number': 'Hauptstr. 1',
    'Postal code': '10115',
    Town: 'Berlin',
  })) {
    await page.getByLabel(label).fill(text);
  }
  await toTop();
  await picture('contact');
  await page.getByRole('button', { name: 'Continue to payment' }).click();
  const form = page.frameLocator('iframe[title="Secure payment input frame"]');
  await form.getByLabel('Card number').fill('4242424242424242');
  await form.getByLabel('Expiration date').fill('1240');
  await form.getByLabel('Security code').fill('123');
  await toTop();
  await picture('payment');
  await page.getByRole('button', { name: /^Pay / }).click();
  await page.getByRole('link', { name: 'Look at the order' }).click();
  await page.getByText('It is paid').waitFor();
  await picture('order');
  await context.close();
}

// What a shopper does in the storefront that the server has in itself.

import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, PaymentForm, type Shop } from './shop.js';

export const GOOD = '4242424242424242';
export const DECLINED = '4000000000000002';
export const CHALLENGED = '4000000000003220';

/** A shopper in the shop. What her browser complains of fails the walk. */
export async function enter(page: Page, shop: Shop): Promise<void> {
  page.on('pageerror', (error) => expect.soft(error.stack).toBeUndefined());
  page.on('console', (message) => {
    if (/Content Security Policy|integrity/.test(message.text())) {
      expect.soft(message.text()).toBeUndefined();
    }
  });
  await page.goto(shop.ownUrl);
}

/** One piece of this product is in the cart, and the shopper stands at the checkout. */
export async function toCheckout(page: Page, name: string): Promise<void> {
  await page.getByRole('link', { name, exact: true }).click();
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await page.getByRole('link', { name: 'To the checkout' }).click();
  await expect(page.getByRole('heading', { name: 'Checkout' })).toBeVisible();
}

export async function fillIn(page: Page, email = 'ada@example.org'): Promise<void> {
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Full name').fill('Ada Beispiel');
  await page.getByLabel('Street and number').fill('Hauptstr. 1');
  await page.getByLabel('Postal code').fill('10115');
  await page.getByLabel('Town').fill('Berlin');
  await page.getByLabel('Country').selectOption('DE');
}

export const goOn = (page: Page) =>
  page.getByRole('button', { name: 'Continue to payment' }).click();
export const pays = (page: Page) => page.getByRole('button', { name: /^Pay / });
export const thanks = (page: Page) =>
  page.getByRole('heading', { name: 'Thank you for your order' });

/** At the payment, with this product in the cart and a card typed in. */
export async function atPayment(
  page: Page,
  shop: Shop,
  card: string,
  { name = 'Stoneware mug', email }: { name?: string; email?: string } = {},
) {
  await enter(page, shop);
  await toCheckout(page, name);
  await fillIn(page, email);
  await goOn(page);
  const form = new PaymentForm(page);
  await form.typeCard(card);
  return form;
}

/**
 * Everybody can use the page as it stands. What lies in Stripe's frame is Stripe's; so axe needs no page
 * of its own in which it puts together what it finds in frames.
 */
export async function hasNoViolations(page: Page): Promise<void> {
  const axe = new AxeBuilder({ page }).exclude('iframe').setLegacyMode();
  const { violations } = await axe.analyze();
  expect.soft(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
}

/** What Chromium says of a part of the page that has jumped. */
interface Shift {
  value: number;
  hadRecentInput: boolean;
}

/** From now on Chromium counts the bytes of scripts, what jumps by itself, and how long nothing moves. */
export async function measured(page: Page) {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  const scripts = new Set<string>();
  let bytes = 0;
  session.on('Network.responseReceived', ({ requestId, type }) => {
    if (type === 'Script') scripts.add(requestId);
  });
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (scripts.has(requestId)) bytes += encodedDataLength;
  });
  await page.addInitScript(() => {
    const measured = { moved: 0, blocked: 0 };
    Object.assign(window, { measured });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { value, hadRecentInput } = entry as never as Shift;
        if (!hadRecentInput) measured.moved += value;
      }
    }).observe({ type: 'layout-shift', buffered: true });
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) measured.blocked += Math.max(0, duration - 50);
    }).observe({ type: 'longtask', buffered: true });
  });
  return async () => {
    const { moved, blocked } = await page.evaluate(
      () => (window as never as { measured: { moved: number; blocked: number } }).measured,
    );
    return { bytes, moved, blocked };
  };
}

// Walks through the storefront of examples/next, whose checkout is a page of Plasmic's: the same on each
// backend. Its button pays by `placeOrder` of the session provider's `$refs`.

import type { Page } from '@playwright/test';
import { type Backend, expect, PaymentForm, type Shop, testOn } from '../next.js';
import { hasNoViolations } from '../shopper.js';

const GOOD = '4242424242424242';
const DECLINED = '4000000000000002';
const CHALLENGED = '4000000000003220';
const MUG = 'Stoneware mug';

/** What her browser complains of fails the walk. */
function listen(page: Page): void {
  page.on('pageerror', (error) => expect.soft(error.stack).toBeUndefined());
}

/** One piece of a product is in the cart, and the shopper stands at the checkout. */
async function toCheckout(page: Page, shop: Shop, name = MUG): Promise<void> {
  await page.goto(shop.url);
  await page.getByRole('button', { name: `Add to cart ${name}`, exact: true }).click();
  await page.getByRole('button', { name: 'To the checkout' }).click();
}

async function fillIn(page: Page): Promise<void> {
  await page.getByLabel('E-mail').fill('ada@example.org');
  await page.getByLabel('First name').fill('Ada');
  await page.getByLabel('Last name').fill('Beispiel');
  await page.getByLabel('Street and number').fill('Hauptstr. 1');
  await page.getByLabel('Postal code').fill('10115');
  await page.getByLabel('Town').fill('Berlin');
  await page.getByLabel('Country').selectOption('DE');
  await page.getByRole('button', { name: 'Continue to payment' }).click();
}

/** At the payment, with this product in the cart and a card typed in. */
async function atPayment(page: Page, shop: Shop, card = GOOD, name = MUG): Promise<PaymentForm> {
  listen(page);
  await toCheckout(page, shop, name);
  await fillIn(page);
  const form = new PaymentForm(page);
  await form.typeCard(card);
  return form;
}

const pays = (page: Page) => page.getByRole('button', { name: /^Pay / });
const thanks = (page: Page) => page.getByRole('heading', { name: 'Thank you for your order' });
const says = (page: Page, text: string | RegExp) =>
  expect(page.getByRole('main').getByRole('alert').filter({ hasText: text })).toBeVisible();
const answer = (form: PaymentForm, name: string) =>
  form.challenge.getByRole('button', { name }).click();

const native = testOn('native');
const platform = testOn('elastic-path');

for (const [backend, test] of [
  // There the longest waits are.
  ['elastic-path', platform],
  ['native', native],
] as [Backend, typeof native][]) {
  test.describe(`next, ${backend}:`, () => {
    // These wait for the server's rhythm: they begin first.
    test('Till is killed while she pays, and finds the payment again', async ({ page, shop }) => {
      test.slow();
      await atPayment(page, shop);
      await shop.dieDuring(() => pays(page).click());
      await expect(thanks(page)).toBeVisible({ timeout: 120_000 });
    });

    test('a debit is paid when the bank has answered', async ({ page, shop }) => {
      test.slow();
      listen(page);
      await toCheckout(page, shop);
      await fillIn(page);
      const { frame } = new PaymentForm(page);
      await frame.getByText('SEPA Debit').click();
      await frame.getByLabel('Email').fill('ada@example.org');
      await frame.getByLabel('IBAN').fill('DE08370400440532013003');
      await pays(page).click();
      await expect(page.getByText('Your payment is under way.')).toBeVisible();
      await shop.settleDebits();
      await expect(thanks(page)).toBeVisible({ timeout: 90_000 });
    });

    test('a guest buys something, and looks at the order', async ({ page, shop }) => {
      await atPayment(page, shop);
      await expect(pays(page)).toHaveText(/16,90/);
      await pays(page).click();
      await expect(thanks(page)).toBeVisible();
      await page.getByRole('link', { name: 'Look at the order' }).click();
      await expect(page.getByText(`1 × ${MUG}`)).toBeVisible();
      await expect(page.getByText('€16.90')).toBeVisible();
      if (backend === 'elastic-path') await expect(page.getByText(/paid as pi_/)).toBeVisible();
    });

    test('a declined card is followed by a good one', async ({ page, shop }) => {
      const form = await atPayment(page, shop, DECLINED);
      await pays(page).click();
      await says(page, 'declined');
      await form.typeCard(GOOD);
      await pays(page).click();
      await expect(thanks(page)).toBeVisible();
    });

    test('a bank asks the shopper, who says yes', async ({ page, shop }) => {
      const form = await atPayment(page, shop, CHALLENGED);
      await pays(page).click();
      await answer(form, 'Complete');
      await expect(thanks(page)).toBeVisible();
    });

    for (const [how, name] of [
      ['says no', 'Fail'],
      ['closes the question', 'Close without an answer'],
    ] as const) {
      test(`a bank asks the shopper, who ${how} and takes another card`, async ({ page, shop }) => {
        const form = await atPayment(page, shop, CHALLENGED);
        await pays(page).click();
        await answer(form, name);
        await says(page, /./);
        await form.typeCard(GOOD);
        await pays(page).click();
        await expect(thanks(page)).toBeVisible();
      });
    }

    test('a page that is reloaded while the bank asks goes on with it', async ({ page, shop }) => {
      const form = await atPayment(page, shop, CHALLENGED);
      await pays(page).click();
      await expect(form.challenge.getByRole('button', { name: 'Complete' })).toBeVisible();
      await page.reload();
      await page.getByRole('button', { name: 'Go on at your bank' }).click();
      await answer(form, 'Complete');
      await expect(thanks(page)).toBeVisible();
    });

    test('a double click pays once', async ({ page, shop }) => {
      await atPayment(page, shop);
      const asked: string[] = [];
      page.on('request', (request) => asked.push(new URL(request.url()).pathname));
      await pays(page).dblclick();
      await expect(thanks(page)).toBeVisible();
      const paid = asked.filter((path) => path === '/api/checkout/sessions/current/pay');
      const tokens = asked.filter((path) => path === '/v1/confirmation_tokens');
      expect([paid.length, tokens.length]).toEqual([1, 1]);
    });

    test('two tabs of one shopper make one order', async ({ page, shop, context }) => {
      await atPayment(page, shop);
      const other = await context.newPage();
      await other.goto(`${shop.url}/checkout`);
      await new PaymentForm(other).typeCard(GOOD);
      await Promise.all([pays(page).click(), pays(other).click()]);
      const links = [page, other].map((one) =>
        one.getByRole('link', { name: 'Look at the order' }),
      );
      const [first, second] = await Promise.all(links.map((link) => link.getAttribute('href')));
      expect(first).toBe(second);
    });

    test('a price that rises at the payment is shown, and paid at the next click', async ({
      page,
      shop,
    }) => {
      await shop.change('rising', { price: '10.00' });
      await atPayment(page, shop, GOOD, 'What rises');
      await expect(pays(page)).toHaveText(/14,90/);
      await shop.change('rising', { price: '11.50' });
      await pays(page).click();
      await says(page, /./);
      await expect(pays(page)).toHaveText(/16,40/);
      await pays(page).click();
      await expect(thanks(page)).toBeVisible();
    });

    test('what is sold out at the payment is not sold', async ({ page, shop }) => {
      await shop.change('last', { stock: 1 });
      await atPayment(page, shop, GOOD, 'The last one');
      await shop.change('last', { stock: 0 });
      await pays(page).click();
      // Elastic Path looks at its shelf after the charge: a person is called, and nothing asks her to pay.
      if (backend === 'native') await says(page, /./);
      else await expect(page.getByRole('main').getByRole('status')).toContainText(/./);
      await expect(thanks(page)).toBeHidden();
    });

    test('the back button leads to the shop, where another order can be made', async ({
      page,
      shop,
    }) => {
      await atPayment(page, shop);
      await page.goBack();
      await expect(page.getByRole('heading', { name: 'Good things' })).toBeVisible();
      await page.goForward();
      await new PaymentForm(page).typeCard(GOOD);
      await pays(page).click();
      await expect(thanks(page)).toBeVisible();
      // What was bought leaves the cart with Stripe's event, which may come after its answer.
      await shop.booksAreEqual();
      await page.goBack();
      await expect(page.getByText('Nothing in it yet.')).toBeVisible();
      await toCheckout(page, shop);
      await fillIn(page);
      await new PaymentForm(page).typeCard(GOOD);
      await pays(page).click();
      await expect(thanks(page)).toBeVisible();
    });

    // The pages are the same on each backend.
    const colorScheme = backend === 'native' ? 'light' : 'dark';
    test(`axe finds nothing on any page, ${colorScheme}`, async ({ page, shop }) => {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      const isFine = async () => {
        await expect(page).toHaveTitle(/The corner shop$/);
        await hasNoViolations(page);
      };
      await page.goto(`${shop.url}/nowhere`);
      await isFine();
      await page.goto(`${shop.url}/checkout`);
      await page.getByRole('link', { name: 'Back to the shop' }).waitFor();
      await isFine();
      await page.goto(shop.url);
      await page.getByRole('button', { name: `Add to cart ${MUG}` }).click();
      await page.getByRole('button', { name: 'To the checkout' }).waitFor();
      await isFine();
      await page.getByRole('button', { name: 'To the checkout' }).click();
      await page.getByLabel('Country').waitFor();
      await isFine();
      await fillIn(page);
      await new PaymentForm(page).typeCard(GOOD);
      await isFine();
      await pays(page).click();
      await thanks(page).waitFor();
      await isFine();
      await page.getByRole('link', { name: 'Look at the order' }).click();
      await page.getByRole('heading', { name: 'Your order' }).waitFor();
      await isFine();
    });
  });
}

native(
  'next: what designers see in Studio’s canvas is an example, and asks nobody',
  async ({ page, shop }) => {
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.goto(`${shop.url}/plasmic-host#canvas=true`);
    await page.waitForLoadState('networkidle');
    asked.length = 0;
    await page.evaluate(showAsStudio);
    await expect(page.getByText('Standard, 4,90 €')).toBeVisible();
    await expect(page.getByLabel('Card number')).toBeDisabled();
    await expect(page.getByText('52,90 €')).toBeVisible();
    expect(asked).toEqual([]);
  },
);

/** What Studio does in the frame of its canvas, with what `@plasmicapp/host` leaves there for it. */
function showAsStudio(): void {
  // biome-ignore lint/suspicious/noExplicitAny: Studio's own doing, for which there are no types
  const { __Sub, __PlasmicComponentRegistry, __PlasmicContextRegistry } = globalThis as any;
  const { createElement } = __Sub.React;
  const named = (registry: { component: unknown; meta: { name: string } }[], name: string) =>
    registry.find(({ meta }) => meta.name === `plasmic-commerce-ep-${name}`)?.component;
  const component = (name: string) => named(__PlasmicComponentRegistry, name);
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const bound = (text: ($ctx: any) => string) =>
    createElement(__Sub.DataCtxReader, null, ($ctx: unknown) =>
      createElement('p', null, text($ctx)),
    );
  const euros = (minor: number) =>
    (minor / 100).toLocaleString('de-DE', { style: 'currency', currency: 'EUR' });
  __Sub.hostUtils.setPlasmicRootNode(
    createElement(
      named(__PlasmicContextRegistry, 'stripe-provider'),
      { publishableKey: 'pk_test_1' },
      createElement(
        component('checkout-session-provider'),
        null,
        bound(({ checkoutSession }) => euros(checkoutSession.session.totals.total)),
        createElement(
          component('checkout-shipping-rates'),
          null,
          bound(({ currentCheckoutShippingRate: { name, amount } }) => `${name}, ${euros(amount)}`),
        ),
        createElement(component('stripe-payment')),
      ),
    ),
  );
}

/** What Chromium says of a part of the page that has jumped. */
interface Shift {
  value: number;
  hadRecentInput: boolean;
}

native('next: it is light, and nothing jumps', async ({ page, shop }) => {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.setCacheDisabled', { cacheDisabled: true });
  const scripts = new Set<string>();
  let bytes = 0;
  session.on('Network.responseReceived', ({ requestId, type, response }) => {
    if (type === 'Script' && response.url.startsWith(shop.url)) scripts.add(requestId);
  });
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (scripts.has(requestId)) bytes += encodedDataLength;
  });
  await page.addInitScript(() => {
    const measured = { moved: 0, blocked: 0 };
    Object.assign(window, { measured });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as never as Shift[]) {
        if (!entry.hadRecentInput) measured.moved += entry.value;
      }
    }).observe({ type: 'layout-shift', buffered: true });
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) measured.blocked += Math.max(0, duration - 50);
    }).observe({ type: 'longtask', buffered: true });
  });
  const isFine = async (path: string, bytesMax: number) => {
    bytes = 0;
    await page.goto(shop.url + path);
    await page.waitForLoadState('networkidle');
    const { moved, blocked } = await page.evaluate(
      () => (window as never as { measured: { moved: number; blocked: number } }).measured,
    );
    console.log(`next ${path}: ${bytes} bytes, moved: ${moved}, blocked: ${blocked} ms`);
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(bytesMax);
    expect(moved).toBeLessThan(0.05);
    expect(blocked).toBeLessThan(400);
  };
  await isFine('/', 250_000);
  await isFine('/checkout', 300_000);
});

// Walks through the storefront that the server has in itself.

import { expect, PaymentForm, test } from '../shop.js';
import {
  atPayment,
  CHALLENGED,
  DECLINED,
  enter,
  fillIn,
  GOOD,
  goOn,
  hasNoViolations,
  measured,
  pays,
  thanks,
  toCheckout,
} from '../shopper.js';

test('a guest finds a product, and has paid it', async ({ page, shop }) => {
  await enter(page, shop);
  await page.getByRole('searchbox').fill('thrown');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('status')).toContainText('1 found');
  await toCheckout(page, 'Stoneware mug');
  await fillIn(page);
  await goOn(page);
  await new PaymentForm(page).typeCard(GOOD);
  await expect(pays(page)).toHaveText(/16,90/);
  await pays(page).click();
  await expect(thanks(page)).toBeVisible();
  await expect(page.getByText('16,90').first()).toBeVisible();
  await expect(page.getByRole('button', { name: /Cart/ })).toContainText('0');
});

test('a declined card is followed by a good one', async ({ page, shop }) => {
  const form = await atPayment(page, shop, DECLINED);
  await pays(page).click();
  await expect(page.getByRole('alert').filter({ hasText: 'declined' })).toBeVisible();
  await form.typeCard(GOOD);
  await pays(page).click();
  await expect(thanks(page)).toBeVisible();
});

test('a bank that wants to see the shopper sees her', async ({ page, shop }) => {
  const form = await atPayment(page, shop, CHALLENGED);
  await pays(page).click();
  await form.challenge.getByRole('button', { name: 'Complete' }).click();
  await expect(thanks(page)).toBeVisible();
});

test('a bank that says no to the shopper leaves her another try', async ({ page, shop }) => {
  const form = await atPayment(page, shop, CHALLENGED);
  await pays(page).click();
  await form.challenge.getByRole('button', { name: 'Fail' }).click();
  await expect(page.getByRole('alert').filter({ hasText: /./ })).toBeVisible();
  await form.typeCard(GOOD);
  await pays(page).click();
  await expect(thanks(page)).toBeVisible();
});

test('who has closed her bank’s page comes back to it, after a reload too', async ({
  page,
  shop,
}) => {
  const form = await atPayment(page, shop, CHALLENGED);
  await pays(page).click();
  await form.challenge.getByRole('button', { name: 'Close' }).click();
  await expect(page.getByRole('alert').filter({ hasText: /./ })).toBeVisible();
  await page.reload();
  await goOn(page);
  await form.typeCard(CHALLENGED);
  await pays(page).click();
  await form.challenge.getByRole('button', { name: 'Complete' }).click();
  await expect(thanks(page)).toBeVisible();
});

test('two tabs of one shopper make one order', async ({ page, shop, context }) => {
  await atPayment(page, shop, GOOD);
  const other = await context.newPage();
  await other.goto(`${shop.ownUrl}/checkout`);
  await fillIn(other);
  await goOn(other);
  await new PaymentForm(other).typeCard(GOOD);
  await Promise.all([pays(page).click(), pays(other).click()]);
  await expect(thanks(page)).toBeVisible();
  await expect(thanks(other)).toBeVisible();
  expect(new URL(other.url()).pathname).toBe(new URL(page.url()).pathname);
});

test('a reload at the payment leads to the same order', async ({ page, shop }) => {
  await atPayment(page, shop, GOOD);
  await page.reload();
  await expect(page.getByLabel('E-mail')).toHaveValue('ada@example.org');
  await goOn(page);
  await new PaymentForm(page).typeCard(GOOD);
  await pays(page).click();
  await expect(thanks(page)).toBeVisible();
});

test('a double click pays once', async ({ page, shop }) => {
  await atPayment(page, shop, GOOD);
  await pays(page).dblclick();
  await expect(thanks(page)).toBeVisible();
});

test('a price that rises at the checkout is shown, and accepted with one click', async ({
  page,
  shop,
}) => {
  await enter(page, shop);
  await toCheckout(page, 'What rises');
  await fillIn(page);
  await shop.change('rising', { price: '11.50' });
  await goOn(page);
  const form = page.locator('.till-checkout');
  await expect(form.getByText(/now 11,50.€ instead of 10,00.€/)).toBeVisible();
  await page.getByRole('button', { name: 'Accept and go on' }).click();
  await new PaymentForm(page).typeCard(GOOD);
  await expect(pays(page)).toHaveText(/16,40/);
  await pays(page).click();
  await expect(thanks(page)).toBeVisible();
});

test('the back button leads to the shop, and never to a second payment', async ({ page, shop }) => {
  await atPayment(page, shop, GOOD);
  await page.goBack();
  await expect(page.getByRole('heading', { name: 'Stoneware mug' })).toBeVisible();
  await page.goForward();
  await goOn(page);
  await new PaymentForm(page).typeCard(GOOD);
  await pays(page).click();
  await expect(thanks(page)).toBeVisible();
  await page.goBack();
  await expect(page.getByRole('heading', { name: 'Stoneware mug' })).toBeVisible();
  await expect(page.getByRole('button', { name: /Cart/ })).toContainText('0');
});

test('what the address says of a payment is not believed, and does not stay there', async ({
  page,
  shop,
}) => {
  await atPayment(page, shop, GOOD);
  await pays(page).click();
  await expect(thanks(page)).toBeVisible();
  const { pathname } = new URL(page.url());
  await page.goto(`${shop.ownUrl}${pathname}?payment_intent=pi_1&redirect_status=failed`);
  await expect(thanks(page)).toBeVisible();
  expect(new URL(page.url()).search).toBe('');
});

test('the link in her receipt shows the order on another device', async ({
  page,
  shop,
  browser,
}) => {
  await atPayment(page, shop, GOOD);
  await pays(page).click();
  await expect(thanks(page)).toBeVisible();
  const [, , id = ''] = new URL(page.url()).pathname.split('/');
  const elsewhere = await browser.newPage();
  await elsewhere.goto(await shop.linkInLetter(id));
  await expect(thanks(elsewhere)).toBeVisible();
  await elsewhere.goto(`${shop.ownUrl}/orders/${id}`);
  await expect(
    elsewhere.getByRole('heading', { name: 'This order cannot be shown' }),
  ).toBeVisible();
  await elsewhere.close();
});

test('the cart and the pages are there for who has no mouse', async ({ page, shop }) => {
  await enter(page, shop);
  await page.getByRole('link', { name: 'Stoneware mug' }).waitFor();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.locator('main')).toBeFocused();
  await page.getByRole('link', { name: 'Stoneware mug' }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Stoneware mug' })).toBeVisible();
  const add = page.getByRole('button', { name: 'Add to cart' });
  await add.focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Your cart' })).toBeFocused();
  const drawer = page.getByRole('dialog');
  await drawer.getByRole('button', { name: 'One more' }).focus();
  await page.keyboard.press('Enter');
  await expect(drawer.getByLabel('Quantity of Stoneware mug')).toHaveValue('2');
  await page.keyboard.press('Escape');
  await expect(drawer).toBeHidden();
  await expect(add).toBeFocused();
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds nothing on any page, ${colorScheme}`, async ({ page, shop }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const isFine = () => hasNoViolations(page);
    await enter(page, shop);
    await page.getByRole('link', { name: 'Stoneware mug' }).waitFor();
    await isFine();
    await page.goto(`${shop.ownUrl}/orders/nobody-s`);
    await page.getByRole('alert').waitFor();
    await isFine();
    await page.goto(shop.ownUrl);
    await page.getByRole('link', { name: 'Stoneware mug' }).click();
    await page.getByRole('button', { name: 'Add to cart' }).waitFor();
    await isFine();
    await page.getByRole('button', { name: 'Add to cart' }).click();
    await page.getByRole('button', { name: 'Remove' }).waitFor();
    await isFine();
    await page.getByRole('link', { name: 'To the checkout' }).click();
    await fillIn(page);
    await isFine();
    await goOn(page);
    await new PaymentForm(page).typeCard(GOOD);
    await isFine();
    await pays(page).click();
    await thanks(page).waitFor();
    await isFine();
  });
}

test('it is light, and nothing jumps', async ({ page, shop }) => {
  const measures = await measured(page);
  await enter(page, shop);
  await page.getByRole('link', { name: 'Stoneware mug' }).waitFor();
  await page.waitForLoadState('networkidle');
  const { bytes, moved, blocked } = await measures();
  console.log(`scripts: ${bytes} bytes, moved: ${moved}, blocked: ${blocked} ms`);
  expect(bytes).toBeGreaterThan(10_000);
  expect(bytes).toBeLessThan(100_000);
  expect(moved).toBeLessThan(0.02);
  expect(blocked).toBeLessThan(300);
});

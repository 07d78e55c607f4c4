// Walks through the storefront in which something comes between the shopper and her order.

import { expect, PaymentForm, test } from '../shop.js';
import {
  atPayment,
  CHALLENGED,
  enter,
  fillIn,
  GOOD,
  goOn,
  pays,
  thanks,
  toCheckout,
} from '../shopper.js';

const CONFIRM = '**/api/checkout/confirm';
const INTENT = '**/api/checkout/intent';

test('a debit is under way until the bank has answered, and then paid', async ({ page, shop }) => {
  await enter(page, shop);
  await toCheckout(page, 'Stoneware mug');
  await fillIn(page);
  await goOn(page);
  const { frame } = new PaymentForm(page);
  await frame.getByText('SEPA Debit').click();
  await frame.getByLabel('Full name').fill('Ada Beispiel');
  await frame.getByLabel('Email').fill('ada@example.org');
  await frame.getByLabel('IBAN').fill('DE08370400440532013003');
  await pays(page).click();
  await expect(page.getByRole('heading', { name: 'Your payment is under way' })).toBeFocused();
  await expect(pays(page)).toBeHidden();
  // Who comes back to the checkout finds the payment, and no second one.
  await page.reload();
  await goOn(page);
  await expect(page.getByRole('heading', { name: 'Your payment is under way' })).toBeVisible();
  await shop.settleDebits();
  await expect(thanks(page)).toBeVisible({ timeout: 30_000 });
});

test('a bank leads back to the order that it has paid', async ({ page, shop }) => {
  await enter(page, shop);
  await toCheckout(page, 'Stoneware mug');
  await fillIn(page);
  await goOn(page);
  const { frame } = new PaymentForm(page);
  await frame.getByText('iDEAL').click();
  await frame.getByLabel('Full name').fill('Ada Beispiel');
  await pays(page).click();
  await page.getByRole('button', { name: 'Authorize test payment' }).click();
  await expect(thanks(page)).toBeVisible();
  expect(page.url()).toMatch(/\/orders\/[0-9a-f-]+$/);
});

test('who comes back declined reads why, and a card pays', async ({ page, shop }) => {
  await enter(page, shop);
  await toCheckout(page, 'Stoneware mug');
  await fillIn(page);
  await goOn(page);
  const form = new PaymentForm(page);
  await form.frame.getByText('iDEAL').click();
  await form.frame.getByLabel('Full name').fill('Ada Beispiel');
  await pays(page).click();
  await page.getByRole('button', { name: 'Fail test payment' }).click();
  await expect(page.getByRole('heading', { name: 'Checkout' })).toBeVisible();
  const why = page.getByRole('alert').filter({ hasText: 'choose a different payment method' });
  await expect(why).toBeVisible();
  expect(new URL(page.url()).search).toBe('');
  await expect(page.getByLabel('Street and number')).toHaveValue('Hauptstr. 1');
  await goOn(page);
  await form.typeCard(GOOD);
  await expect(why).toBeHidden();
  await pays(page).click();
  await expect(thanks(page)).toBeVisible();
});

test('who reloads while her bank asks is asked again, and pays once', async ({ page, shop }) => {
  const form = await atPayment(page, shop, CHALLENGED);
  await pays(page).click();
  await expect(form.challenge.getByRole('button', { name: 'Complete' })).toBeVisible();
  await page.reload();
  await goOn(page);
  await form.typeCard(CHALLENGED);
  await pays(page).click();
  await form.challenge.getByRole('button', { name: 'Complete' }).click();
  await expect(thanks(page)).toBeVisible();
});

test('a price that rises at the payment is not charged, and shown to who begins anew', async ({
  page,
  shop,
}) => {
  const name = 'What rises too';
  const form = await atPayment(page, shop, GOOD, { name });
  await expect(pays(page)).toHaveText(/14,90/);
  await shop.change('rising-too', { price: '12.00' });
  await page.reload();
  const order = page.getByRole('region', { name: 'Your order' });
  await expect(order.getByText(/now 12,00.€ instead of 10,00.€/)).toBeVisible();
  await order.getByRole('button', { name: 'That is fine with me' }).click();
  await goOn(page);
  await form.typeCard(GOOD);
  await shop.change('rising-too', { price: '15.00' });
  await expect(pays(page)).toHaveText(/16,90/);
  await pays(page).click();
  await expect(thanks(page)).toBeVisible();
  await expect(page.getByText('16,90').first()).toBeVisible();
});

test('what is sold meanwhile is shown, and she takes what is left with one click', async ({
  page,
  shop,
}) => {
  await enter(page, shop);
  await page.getByRole('link', { name: 'What is scarce', exact: true }).click();
  await page.getByRole('button', { name: 'One more' }).click();
  await page.getByRole('button', { name: 'Add to cart' }).click();
  await page.getByRole('link', { name: 'To the checkout' }).click();
  await fillIn(page);
  await shop.change('scarce', { stock: 1 });
  await goOn(page);
  await expect(page.locator('.till-checkout').getByText('1 of 2 left')).toBeVisible();
  await page.getByRole('button', { name: 'Accept and go on' }).click();
  await new PaymentForm(page).typeCard(GOOD);
  await expect(pays(page)).toHaveText(/24,90/);
  // It is hers: nobody takes it from her while she pays.
  await pays(page).click();
  await expect(thanks(page)).toBeVisible();
});

test('a server that dies while she pays has one paid order when it is back', async ({
  page,
  shop,
}) => {
  await atPayment(page, shop, GOOD);
  // Stripe has her money; the server that is to hear of it is gone.
  await page.route(
    CONFIRM,
    async (route) => {
      await shop.crash();
      await route.continue();
    },
    { times: 1 },
  );
  await pays(page).click();
  await expect(
    page.getByRole('heading', { name: 'We are looking after your payment' }),
  ).toBeFocused();
  await shop.restart();
  await expect(thanks(page)).toBeVisible({ timeout: 40_000 });
});

test('a server that dies over the answer makes no second order', async ({ page, shop }) => {
  await enter(page, shop);
  await toCheckout(page, 'Stoneware mug');
  await fillIn(page);
  const orders: string[] = [];
  await page.route(
    INTENT,
    async (route) => {
      orders.push((await (await route.fetch()).json()).orderId);
      await shop.crash();
      await route.abort();
    },
    { times: 1 },
  );
  await goOn(page);
  await expect(
    page.getByRole('alert').filter({ hasText: 'The shop cannot be reached.' }),
  ).toBeVisible();
  await shop.restart();
  await goOn(page);
  await new PaymentForm(page).typeCard(GOOD);
  await pays(page).click();
  await expect(thanks(page)).toBeVisible();
  expect(new URL(page.url()).pathname).toBe(`/orders/${orders[0]}`);
});

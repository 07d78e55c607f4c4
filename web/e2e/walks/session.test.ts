import type { Page } from '@playwright/test';
import { expect, PaymentForm, type Shop, test } from '../shop.js';

async function open(shop: Shop, page: Page) {
  await shop.visit(page, 'session');
  await expect(button(page)).toBeEnabled();
  return new PaymentForm(page);
}

const button = (page: Page) => page.getByRole('button', { name: 'Pay' });
const becomes = (page: Page, text: string) => expect(page.getByRole('status')).toHaveText(text);
const DECLINED = 'open failed Your card was declined.';
const AUTHENTICATION_FAILED =
  'open failed We are unable to authenticate your payment method. Please choose a different ' +
  'payment method and try again.';

test('a session is paid with a card, once, however often it is pressed', async ({ shop, page }) => {
  const form = await open(shop, page);
  const asked: string[] = [];
  page.on('request', (request) => {
    if (request.method() === 'POST') asked.push(new URL(request.url()).pathname);
  });
  await form.typeCard('4242424242424242');
  await button(page).dblclick();
  await becomes(page, 'complete succeeded');
  const PAY = ['/v1/confirmation_tokens', '/api/checkout/sessions/current/pay'];
  expect(asked.filter((path) => PAY.includes(path))).toEqual(PAY);
});

test('a session’s card is declined, and another one pays', async ({ shop, page }) => {
  const form = await open(shop, page);
  await form.typeCard('4000000000000002');
  await button(page).click();
  await becomes(page, DECLINED);
  await form.typeCard('4242424242424242');
  await button(page).click();
  await becomes(page, 'complete succeeded');
});

test('what is not complete is not sent from a session', async ({ shop, page }) => {
  const form = await open(shop, page);
  await form.frame.getByLabel('Card number').fill('4242');
  await button(page).click();
  await expect(page.getByRole('alert')).toHaveText('Your card number is incomplete.');
  await becomes(page, 'open idle');
});

test('a session waits for 3-D Secure', async ({ shop, page }) => {
  const form = await open(shop, page);
  await form.typeCard('4000000000003220');
  await button(page).click();
  await form.challenge.getByRole('button', { name: 'Complete' }).click();
  await becomes(page, 'complete succeeded');
});

for (const [how, name] of [
  ['failed', 'Fail'],
  ['closed', 'Close without an answer'],
] as const) {
  test(`a session’s 3-D Secure is ${how}, and another card pays`, async ({ shop, page }) => {
    const form = await open(shop, page);
    await form.typeCard('4000000000003220');
    await button(page).click();
    await form.challenge.getByRole('button', { name }).click();
    await becomes(page, AUTHENTICATION_FAILED);
    await form.typeCard('4242424242424242');
    await button(page).click();
    await becomes(page, 'complete succeeded');
  });
}

test('a session is reloaded during 3-D Secure, which then goes on', async ({ shop, page }) => {
  const form = await open(shop, page);
  await form.typeCard('4000000000003220');
  await button(page).click();
  await expect(form.challenge.getByRole('button', { name: 'Complete' })).toBeVisible();
  await page.reload();
  await becomes(page, 'open requires_action');
  await expect(form.frame.getByLabel('Card number')).toBeVisible();
  await page.getByRole('button', { name: 'Resume' }).click();
  await form.challenge.getByRole('button', { name: 'Complete' }).click();
  await becomes(page, 'complete succeeded');
});

test('a session is paid by a debit when the bank has answered', async ({ shop, page }) => {
  const form = await open(shop, page);
  await form.frame.getByText('SEPA Debit').click();
  await form.frame.getByLabel('Email').fill('ada@example.org');
  await form.frame.getByLabel('IBAN').fill('DE08370400440532013003');
  await button(page).click();
  await becomes(page, 'processing pending');
  await shop.settleDebits();
  await becomes(page, 'complete succeeded');
});

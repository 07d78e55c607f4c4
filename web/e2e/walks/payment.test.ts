import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, PaymentForm, type Shop, test } from '../shop.js';

async function open(shop: Shop, page: Page, query: Record<string, string> = {}) {
  await shop.visit(page, 'payment', query);
  await becomes(page, 'ready');
  return new PaymentForm(page);
}

const pay = (page: Page) => page.getByRole('button', { name: 'Pay' }).click();
const becomes = (page: Page, text: string) => expect(page.getByRole('status')).toHaveText(text);
const PAID = 'succeeded, and the order is paid';
const AUTHENTICATION_FAILED =
  'invalid_request_error payment_intent_authentication_failure: We are unable to authenticate ' +
  'your payment method. Please choose a different payment method and try again.';

test('a card pays', async ({ shop, page }) => {
  const elsewhere: string[] = [];
  page.on('request', (request) => {
    const { hostname } = new URL(request.url());
    if (hostname !== '127.0.0.1') elsewhere.push(request.url());
  });
  const form = await open(shop, page);
  await form.typeCard('4242424242424242');
  await expect(form.frame.getByLabel('Card number')).toHaveValue('4242 4242 4242 4242');
  await pay(page);
  await becomes(page, PAID);
  expect(elsewhere).toEqual([]);
});

test('a card is declined, and another one pays', async ({ shop, page }) => {
  const form = await open(shop, page);
  await form.typeCard('4000000000000002');
  await pay(page);
  await becomes(page, 'card_error card_declined: Your card was declined.');
  await form.typeCard('4242424242424242');
  await pay(page);
  await becomes(page, PAID);
});

test('what is not complete is not sent', async ({ shop, page }) => {
  const form = await open(shop, page);
  const number = form.frame.getByLabel('Card number');
  await pay(page);
  await becomes(page, 'validation_error incomplete_number: Your card number is incomplete.');
  await expect(number).toBeFocused();
  await expect(number).toHaveAttribute('aria-invalid', 'true');
  await form.typeCard('4242424242424241');
  await pay(page);
  await becomes(page, 'validation_error invalid_number: Your card number is invalid.');
  await number.fill('4242424242424242');
  await expect(number).not.toHaveAttribute('aria-invalid');
  await form.frame.getByLabel('Expiration date').fill('1220');
  await pay(page);
  await becomes(
    page,
    "validation_error invalid_expiry_year_past: Your card's expiration year is in the past.",
  );
});

test('a payment leads to its return_url where that is asked for', async ({ shop, page }) => {
  const form = await open(shop, page, { always: '' });
  await form.typeCard('4242424242424242');
  await pay(page);
  await page.waitForURL(/payment_intent=pi_.*&redirect_status=succeeded/);
  await becomes(page, PAID);
});

test('the holder passes 3-D Secure', async ({ shop, page }) => {
  const form = await open(shop, page);
  await form.typeCard('4000000000003220');
  await pay(page);
  await form.challenge.getByRole('button', { name: 'Complete' }).click();
  await becomes(page, PAID);
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

for (const [how, button] of [
  ['fails 3-D Secure', 'Fail'],
  ['closes 3-D Secure', 'Close without an answer'],
] as const) {
  test(`the holder ${how}, and pays with another card`, async ({ shop, page }) => {
    const form = await open(shop, page);
    await form.typeCard('4000000000003220');
    await pay(page);
    await form.challenge.getByRole('button', { name: button }).click();
    await becomes(page, AUTHENTICATION_FAILED);
    await form.typeCard('4242424242424242');
    await pay(page);
    await becomes(page, PAID);
  });
}

test('the holder closes 3-D Secure with a key', async ({ shop, page }) => {
  const form = await open(shop, page);
  await form.typeCard('4000000000003220');
  await pay(page);
  await expect(form.challenge.getByRole('heading', { name: 'Is this you?' })).toBeVisible();
  await page.getByRole('dialog').press('Escape');
  await becomes(page, AUTHENTICATION_FAILED);
});

test('the page is reloaded during 3-D Secure, which then goes on', async ({ shop, page }) => {
  const form = await open(shop, page);
  await form.typeCard('4000000000003220');
  await pay(page);
  await expect(form.challenge.getByRole('button', { name: 'Complete' })).toBeVisible();
  await shop.visit(page, 'payment', { resume: '' });
  await form.challenge.getByRole('button', { name: 'Complete' }).click();
  await becomes(page, PAID);
});

test('the bank’s question is answered elsewhere', async ({ shop, page }) => {
  const form = await open(shop, page);
  await form.typeCard('4000000000003220');
  await pay(page);
  await expect(form.challenge.getByRole('button', { name: 'Complete' })).toBeVisible();
  await shop.authenticate('succeeded');
  await becomes(page, PAID);
});

test('a debit is paid when the bank has answered', async ({ shop, page }) => {
  const form = await open(shop, page);
  await form.frame.getByText('SEPA Debit').click();
  await pay(page);
  await becomes(page, 'validation_error incomplete_name: This field is incomplete.');
  await form.frame.getByLabel('Full name').fill('Ada Beispiel');
  await form.frame.getByLabel('Email').fill('ada@example.org');
  await form.frame.getByLabel('IBAN').fill('DE08370400440532013004');
  await pay(page);
  await becomes(page, 'validation_error invalid_iban: Your IBAN is invalid.');
  await form.frame.getByLabel('IBAN').fill('de08370400440532013003');
  await expect(form.frame.getByLabel('IBAN')).toHaveValue('DE08 3704 0044 0532 0130 03');
  await pay(page);
  await becomes(page, 'processing, and the order is pending');
  await shop.settleDebits();
});

test('a bank redirects, takes the money, and leads back', async ({ shop, page }) => {
  const form = await open(shop, page);
  await form.frame.getByText('iDEAL').click();
  await form.frame.getByLabel('Full name').fill('Ada Beispiel');
  await pay(page);
  await page.getByRole('button', { name: 'Authorize test payment' }).click();
  await page.waitForURL(/redirect_status=succeeded/);
  await becomes(page, PAID);
});

test('a bank redirects, and leads back without the money', async ({ shop, page }) => {
  const form = await open(shop, page);
  await form.frame.getByText('iDEAL').click();
  await form.frame.getByLabel('Full name').fill('Ada Beispiel');
  await pay(page);
  await page.getByRole('button', { name: 'Fail test payment' }).click();
  await page.waitForURL(/redirect_status=failed/);
  await becomes(page, 'failed, and the order is payment.declined');
});

test('an address is asked for once, and heard by the page and by Stripe', async ({
  shop,
  page,
}) => {
  const form = await open(shop, page, { address: '' });
  await expect(form.frame.getByLabel('Country')).toHaveCount(0);
  const address = page.frameLocator('iframe[title="Secure address input frame"]');
  await form.typeCard('4242424242424242');
  await pay(page);
  await becomes(page, 'validation_error incomplete_name: This field is incomplete.');
  await address.getByLabel('Full name').fill('Ada Beispiel');
  await address.getByLabel('Country or region').selectOption('US');
  await address.getByLabel('Address line 1').fill('185 Berry Street');
  await address.getByLabel('ZIP code').fill('94107');
  await address.getByLabel('City').fill('San Francisco');
  await address.getByLabel('State').fill('CA');
  await address.getByLabel('Phone number').fill('+1 555 0100');
  const billing = {
    name: 'Ada Beispiel',
    phone: '+1 555 0100',
    address: {
      line1: '185 Berry Street',
      line2: null,
      city: 'San Francisco',
      state: 'CA',
      postal_code: '94107',
      country: 'US',
    },
  };
  await expect
    .poll(async () => JSON.parse((await page.locator('body').getAttribute('data-address')) ?? '{}'))
    .toEqual(billing);
  await pay(page);
  await becomes(page, PAID);
  expect(await shop.payers()).toContainEqual(expect.objectContaining(billing));
});

test('the form is one that everybody can use', async ({ shop, page }) => {
  await open(shop, page, { address: '' });
  await pay(page);
  await becomes(page, 'validation_error incomplete_number: Your card number is incomplete.');
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html)}`)).toEqual([]);
});

// Walks through the storefront of somebody who has an account, or gets one.

import type { Page } from '@playwright/test';
import { expect, PaymentForm, type Shop, test } from '../shop.js';
import {
  atPayment,
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

const PASSWORD = 'correct horse battery';

/** Each walk has mailboxes of its own. */
let mailboxes = 0;
function mailbox(): string {
  mailboxes += 1;
  return `ada-${process.pid}-${mailboxes}@example.org`;
}

const password = (page: Page) => page.getByLabel('Password', { exact: true });
const account = (page: Page) => page.getByRole('heading', { name: 'Your account' });
const toAccount = (page: Page) => page.getByRole('link', { name: 'Account', exact: true }).click();
const orders = (page: Page) => page.getByRole('region', { name: 'Orders' }).getByRole('listitem');

/** Types herself in, follows the letter, and stands in her account. */
async function register(page: Page, shop: Shop, email: string): Promise<void> {
  await toAccount(page);
  await page.getByRole('link', { name: 'Create one' }).click();
  await page.getByLabel('Name (optional)').fill('Ada');
  await page.getByLabel('E-mail').fill(email);
  await confirm(page, shop, email);
}

/** The password, the letter, and the password again. */
async function confirm(page: Page, shop: Shop, email: string): Promise<void> {
  await password(page).fill(PASSWORD);
  await page.getByRole('button', { name: 'Create an account' }).click();
  await expect(page.getByRole('heading', { name: 'Look into your mail' })).toBeFocused();
  await page.goto(`${shop.ownUrl}/account/confirm#token=${await shop.tokenInLetter(email)}`);
  await expect(page.getByRole('heading', { name: 'Confirm your address' })).toBeVisible();
  await password(page).fill(PASSWORD);
  await page.getByRole('button', { name: 'Confirm' }).click();
  await expect(account(page)).toBeVisible();
}

async function signIn(page: Page, email: string, typed = PASSWORD): Promise<void> {
  // The password first: the page that leads here may have a field for an address too.
  await password(page).fill(typed);
  await page.getByLabel('E-mail').fill(email);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Buys what is in the cart. */
async function buy(page: Page): Promise<void> {
  await goOn(page);
  await new PaymentForm(page).typeCard(GOOD);
  await pays(page).click();
  await expect(thanks(page)).toBeVisible();
}

test('a customer signs up, buys, and finds the order and her address in her account', async ({
  page,
  shop,
}) => {
  const email = mailbox();
  await enter(page, shop);
  await page.getByRole('link', { name: 'Stoneware mug' }).waitFor();
  await register(page, shop, email);
  await expect(page.getByText(`Signed in as ${email}`)).toBeVisible();
  await expect(page.getByText('You have not ordered anything yet.')).toBeVisible();

  await page.getByRole('link', { name: 'Till', exact: true }).click();
  await toCheckout(page, 'Stoneware mug');
  await expect(page.getByLabel('E-mail')).toHaveValue(email);
  await fillIn(page, email);
  await page.getByLabel('Keep the delivery address in my account').check();
  await buy(page);
  await page.getByRole('link', { name: 'Your orders' }).click();
  await expect(page.getByRole('heading', { name: 'Your orders' })).toBeFocused();
  const order = page.getByRole('listitem').filter({ hasText: 'Stoneware mug' });
  await expect(order).toContainText('16,90');
  await expect(order).toContainText('Paid');
  await order.getByRole('link').click();
  await expect(thanks(page)).toBeVisible();

  await toAccount(page);
  await expect(orders(page)).toHaveCount(1);
  await expect(page.getByRole('region', { name: 'Addresses' })).toContainText('Hauptstr. 1');
  await page.getByRole('link', { name: 'Till', exact: true }).click();
  await toCheckout(page, 'Reading lamp');
  await expect(page.getByLabel('Your addresses')).toContainText('Hauptstr. 1');
  await expect(page.getByLabel('Street and number')).toHaveValue('Hauptstr. 1');
  await buy(page);
  await toAccount(page);
  await expect(orders(page)).toHaveCount(2);
});

test('what a guest has ordered is hers once she has proven the address', async ({
  page,
  shop,
  browser,
}) => {
  const email = mailbox();
  await atPayment(page, shop, GOOD, { email });
  await pays(page).click();
  await expect(thanks(page)).toBeVisible();
  const { pathname } = new URL(page.url());

  await page.getByRole('link', { name: 'Create an account' }).click();
  await expect(page.getByLabel('E-mail')).toHaveValue(email);
  await confirm(page, shop, email);
  await expect(orders(page)).toHaveCount(1);
  expect(new URL(page.url()).pathname).toBe('/account');

  const phone = await browser.newPage();
  await phone.goto(shop.ownUrl + pathname);
  await phone.getByRole('link', { name: 'Sign in' }).click();
  await signIn(phone, email);
  await expect(thanks(phone)).toBeVisible();
  expect(new URL(phone.url()).pathname).toBe(pathname);
  await phone.close();
});

test('a cart and a checkout that a guest has begun go on when she signs in', async ({
  page,
  shop,
  browser,
}) => {
  const email = mailbox();
  await enter(page, shop);
  await register(page, shop, email);
  const phone = await browser.newPage();
  await enter(phone, shop);
  await toCheckout(phone, 'Stoneware mug');
  await phone.getByRole('link', { name: 'Sign in' }).click();
  await signIn(phone, email);
  await expect(phone.getByRole('heading', { name: 'Checkout' })).toBeFocused();
  await expect(phone.getByRole('region', { name: 'Your order' })).toContainText('Stoneware mug');
  await fillIn(phone, email);
  await buy(phone);
  await phone.close();
});

test('no token of a letter stays in the address, and each counts once', async ({ page, shop }) => {
  const email = mailbox();
  await enter(page, shop);
  await register(page, shop, email);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByText('You are signed out.')).toBeVisible();

  await page.getByRole('link', { name: 'Forgotten your password?' }).click();
  // The page before has such a field too.
  await expect(page.getByRole('heading', { name: 'A new password' })).toBeVisible();
  await page.getByLabel('E-mail').fill(email);
  await page.getByRole('button', { name: 'Send the link' }).click();
  await expect(page.getByRole('heading', { name: 'Look into your mail' })).toBeFocused();
  const link = `${shop.ownUrl}/account/reset#token=${await shop.tokenInLetter(email, 2)}`;
  await page.goto(link);
  const chosen = page.getByLabel('New password', { exact: true });
  await chosen.fill('an entirely new one');
  expect(page.url()).toBe(`${shop.ownUrl}/account/reset`);
  await page.getByRole('button', { name: 'Change the password' }).click();
  await expect(page.getByText('Your new password holds.')).toBeVisible();
  await signIn(page, email, 'an entirely new one');
  await expect(account(page)).toBeVisible();

  await page.goto(link);
  await chosen.fill('yet another one');
  await page.getByRole('button', { name: 'Change the password' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'does not work any more' })).toBeVisible();
  await page.reload();
  await expect(page.getByText('open the link in the letter once more')).toBeVisible();
});

test('what is wrong is said at its field, which has the focus', async ({ page, shop }) => {
  const email = mailbox();
  await enter(page, shop);
  await toAccount(page);
  await signIn(page, email, 'a guess');
  await expect(password(page)).toBeFocused();
  await expect(password(page)).toHaveAccessibleDescription(
    'E-mail and password do not fit together.',
  );
  await page.getByRole('link', { name: 'Create one' }).click();
  await expect(page.getByRole('heading', { name: 'Create an account' })).toBeFocused();
  await page.getByLabel('E-mail').fill('nobody@nowhere');
  await password(page).fill(PASSWORD);
  await page.getByRole('button', { name: 'Create an account' }).click();
  await expect(page.getByLabel('E-mail')).toBeFocused();
  await expect(page.getByLabel('E-mail')).toHaveAccessibleDescription(/not an e-mail address/);

  await page.getByLabel('E-mail').fill(email);
  await confirm(page, shop, email);
  await page.getByRole('button', { name: 'Add an address' }).click();
  await expect(page.getByLabel('Full name')).toBeFocused();
  await page.getByLabel('Full name').fill('Ada Beispiel');
  await page.getByLabel('Street and number').fill('Hauptstr. 1');
  await page.getByLabel('Postal code').fill('1011');
  await page.getByLabel('Town').fill('Berlin');
  await page.getByLabel('Country').selectOption('DE');
  await page.getByRole('button', { name: 'Save the address' }).click();
  await expect(page.getByLabel('Postal code')).toBeFocused();
  await expect(page.getByLabel('Postal code')).toHaveAccessibleDescription(/./);
});

test('a customer keeps her addresses and what she says of herself', async ({ page, shop }) => {
  const email = mailbox();
  await enter(page, shop);
  await register(page, shop, email);
  const book = page.getByRole('region', { name: 'Addresses' });
  for (const street of ['Hauptstr. 1', 'Nebenstr. 2']) {
    await book.getByRole('button', { name: 'Add an address' }).click();
    await fillInAddress(page, street);
    await book.getByRole('button', { name: 'Save the address' }).click();
    await expect(book.getByRole('heading')).toBeFocused();
  }
  const second = book.getByRole('listitem').filter({ hasText: 'Nebenstr. 2' });
  await second.getByRole('button', { name: 'Use first' }).click();
  await expect(second.getByText('Used first')).toBeVisible();
  await second.getByRole('button', { name: 'Change' }).click();
  await book.getByLabel('Town').fill('Potsdam');
  await book.getByRole('button', { name: 'Save the address' }).click();
  await expect(second).toContainText('Potsdam');
  await book.getByRole('button', { name: 'Remove Ada Beispiel, Hauptstr. 1' }).click();
  await expect(book.getByRole('listitem')).toHaveCount(1);

  const profile = page.getByRole('region', { name: 'About you' });
  await profile.getByLabel('Name', { exact: true }).fill('Ada B.');
  await profile.getByLabel(/may write to me/).check();
  await profile.getByRole('button', { name: 'Save' }).click();
  await expect(profile.getByText('Saved.')).toBeVisible();
  await page.reload();
  await expect(profile.getByLabel('Name', { exact: true })).toHaveValue('Ada B.');
  await expect(profile.getByLabel(/may write to me/)).toBeChecked();
  await expect(profile.getByText('Agreed on')).toBeVisible();

  await profile.getByText('Change the e-mail address').click();
  const other = mailbox();
  await profile.getByLabel('New e-mail').fill(other);
  const own = profile.getByLabel('Your password').first();
  await own.fill('not hers at all');
  await profile.getByRole('button', { name: 'Change the address' }).click();
  await expect(own).toBeFocused();
  await expect(own).toHaveAccessibleDescription('This is not your password.');
  await own.fill(PASSWORD);
  await profile.getByRole('button', { name: 'Change the address' }).click();
  await expect(profile.getByText('A letter is on its way there.')).toBeVisible();
  await page.goto(`${shop.ownUrl}/account/confirm#token=${await shop.tokenInLetter(other)}`);
  await password(page).fill(PASSWORD);
  await page.getByRole('button', { name: 'Confirm' }).click();
  await expect(page.getByText(`Signed in as ${other}`)).toBeVisible();

  await profile.getByText('Delete the account').first().click();
  await profile.getByLabel('Your password').last().fill(PASSWORD);
  await profile.getByRole('button', { name: 'Delete the account' }).click();
  await expect(page.getByText('Your account is deleted.')).toBeVisible();
  await signIn(page, other);
  await expect(password(page)).toHaveAccessibleDescription(/do not fit/);
});

test('older orders come when she asks for them', async ({ page, shop }) => {
  const email = mailbox();
  await enter(page, shop);
  await register(page, shop, email);
  for (let count = 0; count < 21; count += 1) await order(page, shop, email);
  await page.reload();
  await expect(orders(page)).toHaveCount(3);
  await page.getByRole('link', { name: 'All orders' }).click();
  const all = page.getByRole('main').getByRole('listitem');
  await expect(all).toHaveCount(20);
  await page.getByRole('button', { name: 'Older orders' }).click();
  await expect(all).toHaveCount(21);
  await expect(all.last().getByRole('link')).toBeFocused();
  await expect(page.getByRole('button', { name: 'Older orders' })).toBeHidden();
});

test('whoever is signed out elsewhere is led to the sign-in, and back', async ({ page, shop }) => {
  const email = mailbox();
  await enter(page, shop);
  await register(page, shop, email);
  await page.getByRole('link', { name: 'All orders' }).waitFor({ state: 'hidden' });
  await page.context().clearCookies({ name: /customer/ });
  await page.goto(`${shop.ownUrl}/account/orders`);
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await signIn(page, email);
  await expect(page.getByRole('heading', { name: 'Your orders' })).toBeFocused();
});

test('a script that is not the built one does not run', async ({ page, shop }) => {
  const pages = '**/shop/pages-*.js';
  await page.goto(shop.ownUrl);
  await page.route(pages, async (route) => {
    const response = await route.fetch();
    const body = `${await response.text()}\nglobalThis.forged = 1;`;
    // One that the browser keeps is not asked for again.
    const headers = { ...response.headers(), 'cache-control': 'no-store' };
    await route.fulfill({ response, body, headers });
  });
  await toAccount(page);
  await expect(page.getByRole('heading', { name: 'This page could not be loaded' })).toBeVisible();
  expect(await page.evaluate(() => 'forged' in globalThis)).toBe(false);
  await page.unroute(pages);
  await page.getByRole('button', { name: 'Load it again' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds nothing on any page of accounts, ${colorScheme}`, async ({ page, shop }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const email = mailbox();
    await enter(page, shop);
    for (const path of ['sign-in', 'register', 'forgot', 'confirm#token=00', 'reset#token=00']) {
      await page.goto(`${shop.ownUrl}/account/${path}`);
      await page.locator('main input').first().waitFor();
      await hasNoViolations(page);
    }
    await page.goto(`${shop.ownUrl}/account/sign-in`);
    await signIn(page, email);
    await expect(password(page)).toBeFocused();
    await hasNoViolations(page);
    await register(page, shop, email);
    await order(page, shop, email);
    await page.getByRole('button', { name: 'Add an address' }).click();
    await fillInAddress(page, 'Hauptstr. 1');
    await hasNoViolations(page);
    await page.getByRole('button', { name: 'Save the address' }).click();
    for (const closed of await page.locator('summary').all()) await closed.click();
    await hasNoViolations(page);
    await page.goto(`${shop.ownUrl}/account/orders`);
    await page.getByRole('main').getByRole('listitem').first().waitFor();
    await hasNoViolations(page);
    await page.goto(`${shop.ownUrl}/checkout`);
    await expect(page.getByText('Your cart is empty.').first()).toBeVisible();
    await hasNoViolations(page);
  });
}

test('the pages of accounts are light too, and nothing jumps', async ({ page, shop }) => {
  const email = mailbox();
  const measures = await measured(page);
  const isCalm = async () => {
    await page.waitForLoadState('networkidle');
    const { bytes, moved, blocked } = await measures();
    console.log(`${page.url()}: ${bytes} bytes of scripts, moved: ${moved}, ${blocked} ms`);
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(100_000);
    expect(moved).toBeLessThan(0.02);
    expect(blocked).toBeLessThan(300);
  };
  await page.goto(`${shop.ownUrl}/account/sign-in`);
  await isCalm();
  await register(page, shop, email);
  await order(page, shop, email);
  for (const path of ['/account', '/account/orders', '/checkout', '/account/register']) {
    await page.goto(shop.ownUrl + path);
    await isCalm();
  }
});

async function fillInAddress(page: Page, street: string): Promise<void> {
  const book = page.getByRole('region', { name: 'Addresses' });
  await book.getByLabel('Full name').fill('Ada Beispiel');
  await book.getByLabel('Street and number').fill(street);
  await book.getByLabel('Postal code').fill('10115');
  await book.getByLabel('Town').fill('Berlin');
  await book.getByLabel('Country').selectOption('DE');
}

/** Orders something that costs nothing, without the pages. */
async function order({ request }: Page, shop: Shop, email: string): Promise<void> {
  const { items } = await (await request.get(`${shop.ownUrl}/api/products?q=gift`)).json();
  const [{ id: productId }] = items as [{ id: string }];
  const post = async (path: string, data: object) => {
    const answer = await request.post(`${shop.ownUrl}/api/${path}`, { data });
    expect(answer.ok(), await answer.text()).toBe(true);
  };
  await post('cart/items', { productId, quantity: 1 });
  const shippingAddress = {
    name: 'Ada Beispiel',
    street: 'Hauptstr. 1',
    postalCode: '10115',
    city: 'Berlin',
    country: 'DE',
  };
  await post('checkout/intent', { email, shippingAddress, acceptsMarketing: false });
}

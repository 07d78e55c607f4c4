// What the stand-in for Stripe.js promises to pages, beside payments.

import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import type {
  StripeElementsOptionsClientSecret,
  StripeElementsOptionsMode,
  StripePaymentElementOptions,
} from '@stripe/stripe-js';
import type {} from '../pages/elements.js';
import { expect, PaymentForm, type Shop, standInAtStripe, test } from '../shop.js';

interface Wanted {
  elements?: StripeElementsOptionsClientSecret | Partial<StripeElementsOptionsMode>;
  payment?: StripePaymentElementOptions;
}

const load = async (shop: Shop, page: Page) => {
  await shop.visit(page, 'elements');
  await expect(page.locator('body[data-loaded]')).toBeAttached();
};

/** A form for a payment of 28.90 euros, of which the page writes down what it hears. */
async function show(shop: Shop, page: Page, { elements, payment }: Wanted = {}) {
  await load(shop, page);
  const sum = { mode: 'payment', amount: 2890, currency: 'eur' } as const;
  const wanted = {
    elements: elements && 'clientSecret' in elements ? elements : { ...sum, ...elements },
    payment,
  };
  await page.evaluate(({ elements, payment }) => {
    window.elements = window.stripe.elements(elements as StripeElementsOptionsMode);
    window.payment = window.elements.create('payment', payment);
    const types = ['loaderstart', 'ready', 'change', 'focus', 'blur', 'escape', 'loaderror'];
    for (const type of types) {
      window.payment.on(type as 'change', (event) => window.heard.push([type, event]));
    }
    window.payment.mount('#page');
  }, wanted);
  return new PaymentForm(page);
}

/** What the page has heard of this type. */
const heard = async (page: Page, wanted: string) =>
  (await page.evaluate(() => window.heard))
    .filter(([type]) => type === wanted)
    .map(([, event]) => event);

test('a page hears what is done in the form, and not what is typed', async ({ shop, page }) => {
  const form = await show(shop, page);
  await form.typeCard('4242424242424242');
  await form.frame.getByLabel('Card number').press('Escape');
  await page.locator('h1').click();
  await expect.poll(() => heard(page, 'blur')).toEqual([{ elementType: 'payment' }]);
  for (const type of ['loaderstart', 'ready', 'focus', 'escape']) {
    expect(await heard(page, type), type).toEqual([{ elementType: 'payment' }]);
  }
  const changes = await heard(page, 'change');
  const about = { elementType: 'payment', collapsed: false, value: { type: 'card' } };
  expect(changes[0]).toEqual({ ...about, complete: false, empty: false });
  expect(changes.at(-1)).toEqual({ ...about, complete: true, empty: false });
  await page.evaluate(() => window.payment.clear());
  await expect(form.frame.getByLabel('Card number')).toHaveValue('');
});

test('a card is typed with the keyboard alone', async ({ shop, page }) => {
  const form = await show(shop, page);
  await form.frame.getByRole('radio', { name: 'Card' }).focus();
  const typed = ['4242424242424242', '12', '40', '123'];
  await page.keyboard.press('Tab');
  for (const digits of [typed[0], `${typed[1]}${typed[2]}`, typed[3]]) {
    await page.keyboard.type(digits ?? '');
    await page.keyboard.press('Tab');
  }
  await expect(form.frame.getByLabel('Country')).toBeFocused();
  await expect(form.frame.getByLabel('Expiration date')).toHaveValue('12 / 40');
  await form.frame.getByLabel('Expiration date').press('End');
  for (let times = 0; times < 3; times += 1) await page.keyboard.press('Backspace');
  await expect(form.frame.getByLabel('Expiration date')).toHaveValue('1');
  await form.frame.getByLabel('Card number').press('Home');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Delete');
  await page.keyboard.type('0');
  await expect(form.frame.getByLabel('Card number')).toHaveValue('4042 4242 4242 4242');
  await form.frame.getByRole('radio', { name: 'Card' }).focus();
  await page.keyboard.press('ArrowLeft');
  await expect(form.frame.getByRole('radio', { name: 'SEPA Debit' })).toBeFocused();
  await expect(form.frame.getByLabel('IBAN')).toBeVisible();
  await page.keyboard.press('ArrowRight');
  await expect(form.frame.getByLabel('Security code')).toHaveValue('123');
});

test('the form looks as the page wants it, and can be used by everybody', async ({
  shop,
  page,
}) => {
  const appearance = {
    theme: 'night',
    variables: { colorPrimary: '#ffcc00', borderRadius: '0px' },
    rules: { '.Input': { boxShadow: 'none', borderWidth: '2px' }, body: { color: 'red' } },
  } as const;
  const form = await show(shop, page, {
    elements: { appearance },
    payment: { layout: 'accordion' },
  });
  const number = form.frame.getByLabel('Card number');
  await expect(number).toHaveCSS('border-radius', '0px');
  await expect(number).toHaveCSS('border-width', '2px');
  await expect(number).toHaveCSS('background-color', 'rgb(48, 49, 61)');
  await expect(form.frame.locator('body')).toHaveCSS('color', 'rgb(255, 255, 255)');
  await page.evaluate(() =>
    Object.assign(document.body.style, { background: '#1a1b25', color: '#fff' }),
  );
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id }) => id)).toEqual([]);
  await page.evaluate(() => window.elements.update({ appearance: { theme: 'stripe' } }));
  await expect(number).toHaveCSS('background-color', 'rgb(255, 255, 255)');
  await page.evaluate(() => window.payment.collapse());
  await expect(number).toHaveCount(0);
  expect(await page.evaluate(() => window.elements.submit())).toMatchObject({
    error: { type: 'validation_error', message: 'Please select a payment method.' },
  });
});

test('what the page knows is not asked', async ({ shop, page }) => {
  const form = await show(shop, page, {
    payment: {
      paymentMethodOrder: ['sepa_debit', 'card'],
      defaultValues: { billingDetails: { name: 'Ada Beispiel', address: { country: 'US' } } },
      fields: { billingDetails: { email: 'never' } },
    },
  });
  await expect(form.frame.getByLabel('Full name')).toHaveValue('Ada Beispiel');
  await expect(form.frame.getByLabel('Email')).toHaveCount(0);
  await form.frame.getByText('Card', { exact: true }).click();
  await expect(form.frame.getByLabel('Country')).toHaveValue('US');
  await expect(form.frame.getByLabel('ZIP code')).toBeVisible();
  await page.evaluate(() => window.payment.update({ readOnly: true }));
  await expect(form.frame.getByLabel('Card number')).toBeDisabled();
});

test('other currencies leave fewer ways to pay', async ({ shop, page }) => {
  const form = await show(shop, page);
  await expect(form.frame.getByRole('radio')).toHaveCount(5);
  await page.evaluate(() => window.elements.update({ currency: 'usd' }));
  await expect(form.frame.getByRole('radio')).toHaveCount(0);
  await expect(form.frame.getByLabel('Card number')).toBeVisible();
});

test('mistakes of a page are told to its developer', async ({ shop, page }) => {
  await load(shop, page);
  const said = await page.evaluate(async () => {
    const { stripe } = window;
    const sum = { mode: 'payment', amount: 100, currency: 'eur' } as const;
    const elements = stripe.elements(sum);
    const payment = elements.create('payment');
    const gone = stripe.elements(sum).create('payment');
    gone.destroy();
    const attempts: (() => unknown)[] = [
      () => window.Stripe?.(`${'sk'}_test_1`),
      () => stripe.elements({ ...sum, amount: 1.5 }),
      () => stripe.elements({ clientSecret: 'pi_1' }),
      () => elements.create('payment'),
      () => elements.create('card'),
      () => elements.create('address', {} as never),
      () => payment.mount('#nothing'),
      () => gone.mount('#page'),
      () => stripe.createConfirmationToken({ elements }),
      () => stripe.confirmPayment({ elements, clientSecret: 'pi_1_secret_1' } as never),
    ];
    const said: string[] = [];
    for (const attempt of attempts) {
      try {
        said.push(JSON.stringify(await attempt()));
      } catch (error) {
        said.push(String(error).slice(0, 76));
      }
    }
    return [...said, String(elements.getElement('payment') === payment)];
  });
  expect(said).toEqual([
    'IntegrationError: You should not use your secret key with Stripe.js. Please ',
    'IntegrationError: Invalid value for elements(): amount should be a positive ',
    'IntegrationError: Invalid value for clientSecret: it should be the client_se',
    'IntegrationError: Can only create one Element of type payment through an Ele',
    'IntegrationError: This stand-in has no Element of type card.',
    'IntegrationError: You must provide the mode "shipping" or "billing".',
    'IntegrationError: The selector you specified (#nothing) applies to no DOM el',
    'IntegrationError: This Element has already been destroyed. Please create a n',
    'IntegrationError: elements.submit() must be called before stripe.createConfi',
    'IntegrationError: stripe.confirmPayment(): the `confirmParams.return_url` ar',
    'true',
  ]);
});

test('a form for an intent that nobody knows is not loaded', async ({ shop, page }) => {
  await show(shop, page, { elements: { clientSecret: 'pi_1_secret_1' } });
  const error = { type: 'invalid_request_error', code: 'resource_missing' };
  await expect.poll(() => heard(page, 'loaderror')).toMatchObject([{ error }]);
  expect(await page.evaluate(() => window.elements.submit())).toMatchObject({ error });
});

test('a token has what was typed and what the page adds', async ({ shop, page }) => {
  const form = await show(shop, page);
  await form.typeCard('5555555555554444');
  const made = await page.evaluate(async () => {
    await window.elements.submit();
    const { confirmationToken, error } = await window.stripe.createConfirmationToken({
      elements: window.elements,
      params: {
        return_url: 'https://shop.example/back',
        payment_method_data: {
          allow_redisplay: 'always',
          billing_details: { email: 'ada@example.org' },
        },
      },
    });
    if (error) throw new Error(error.message);
    return confirmationToken;
  });
  expect(made).toMatchObject({ object: 'confirmation_token', livemode: false });
  expect(await shop.atStripe(`confirmation_tokens/${made.id}`)).toMatchObject({
    return_url: 'https://shop.example/back',
    payment_method_preview: {
      type: 'card',
      allow_redisplay: 'always',
      billing_details: { email: 'ada@example.org', address: { country: 'DE' } },
      card: { brand: 'mastercard', last4: '4444', exp_month: 12, exp_year: 2040 },
    },
  });
});

test('an address that the page knows is complete at once, and is sent with the token', async ({
  shop,
  page,
}) => {
  const form = await show(shop, page);
  await page.evaluate(() => {
    const address = window.elements.create('address', {
      mode: 'shipping',
      allowedCountries: ['DE', 'AT'],
      display: { name: 'split' },
      defaultValues: {
        firstName: 'Ada',
        lastName: 'Beispiel',
        address: { line1: 'Hauptstr. 1', postal_code: '10115', city: 'Berlin', country: 'DE' },
      },
    });
    address.on('change', ({ complete, value }) => {
      if (complete) window.heard.push(['address', value]);
    });
    address.mount('#page');
  });
  const address = { line1: 'Hauptstr. 1', city: 'Berlin', postal_code: '10115', country: 'DE' };
  const value = { name: 'Ada Beispiel', firstName: 'Ada', lastName: 'Beispiel', address };
  await expect.poll(() => heard(page, 'address')).toMatchObject([value]);
  const addressForm = page.frameLocator('iframe[title="Secure address input frame"]');
  await expect(addressForm.getByLabel('Country or region').getByRole('option')).toHaveText([
    'Austria',
    'Germany',
  ]);
  await addressForm.getByLabel('City').fill('Potsdam');
  await form.typeCard('4242424242424242');
  const { token, entered } = await page.evaluate(async () => {
    const { elements, stripe } = window;
    await elements.submit();
    const { confirmationToken } = await stripe.createConfirmationToken({ elements });
    const entered = await elements.getElement('address', { mode: 'shipping' })?.getValue();
    return { token: confirmationToken, entered };
  });
  expect(entered).toMatchObject({ complete: true, value: { address: { city: 'Potsdam' } } });
  expect(token?.shipping).toMatchObject({
    name: 'Ada Beispiel',
    address: { ...address, city: 'Potsdam' },
  });
});

test('the form follows an intent that the shop has changed', async ({ shop, page }) => {
  const { id, client_secret: clientSecret } = await shop.createIntent(4500);
  const form = await show(shop, page, { elements: { clientSecret } });
  await expect(form.frame.getByRole('radio')).toHaveCount(5);
  await shop.atStripe(`payment_intents/${id}`, { 'excluded_payment_method_types[]': 'ideal' });
  expect(await page.evaluate(() => window.elements.fetchUpdates())).toEqual({});
  await expect(form.frame.getByRole('radio')).toHaveCount(4);
  await shop.atStripe(`payment_intents/${id}/cancel`, {});
  expect(await page.evaluate(() => window.elements.fetchUpdates())).toMatchObject({
    error: { code: 'payment_intent_unexpected_state' },
  });
});

test('an intent is looked at and confirmed without a form', async ({ shop, page }) => {
  await load(shop, page);
  const { client_secret: clientSecret } = await shop.createIntent(4500);
  const said = await page.evaluate(async (clientSecret) => {
    const { stripe } = window;
    const { paymentIntent } = await stripe.retrievePaymentIntent(clientSecret);
    const refused = await stripe.confirmCardPayment(clientSecret, {
      payment_method: 'pm_card_visa_chargeDeclinedInsufficientFunds',
    });
    const next = await stripe.handleNextAction({ clientSecret }).catch(String);
    const unknown = await stripe.retrievePaymentIntent('pi_1_secret_1');
    return [paymentIntent?.status, refused.error?.decline_code, next, unknown.error?.code];
  }, clientSecret);
  expect(said).toEqual([
    'requires_payment_method',
    'insufficient_funds',
    'IntegrationError: handleNextAction: The PaymentIntent supplied is not in the requires_action state.',
    'resource_missing',
  ]);
});

test('Elements of another sum do not pay', async ({ shop, page }) => {
  const form = await show(shop, page);
  const { client_secret: clientSecret } = await shop.createIntent(4500);
  await form.typeCard('4242424242424242');
  const pay = () =>
    page.evaluate(async (clientSecret) => {
      await window.elements.submit();
      const confirmParams = { return_url: location.href };
      const { elements, stripe } = window;
      const redirect = 'if_required';
      return stripe.confirmPayment({ elements, clientSecret, confirmParams, redirect });
    }, clientSecret);
  expect(await pay()).toMatchObject({
    error: {
      message: expect.stringContaining('is of 4500 eur, and Elements was made with 2890 eur'),
    },
  });
  await form.typeCard('4000000000000002');
  await page.evaluate(() => window.elements.update({ amount: 4500 }));
  expect(await pay()).toMatchObject({ error: { code: 'card_declined' } });
});

test('the packages’ own loader finds the stand-in where Stripe’s script is', async ({
  shop,
  page,
}) => {
  await standInAtStripe(page, shop.stripeUrl);
  await shop.visit(page, 'elements', { loader: '' });
  await expect(page.locator('body[data-loaded]')).toBeAttached();
  expect(await page.evaluate(() => document.scripts[1]?.src)).toBe(
    'https://js.stripe.com/endive/stripe.js',
  );
  const { client_secret: clientSecret } = await shop.createIntent(4500);
  await page.evaluate((clientSecret) => {
    window.elements = window.stripe.elements({ clientSecret });
    window.elements.create('payment').mount('#page');
  }, clientSecret);
  const form = new PaymentForm(page);
  await form.typeCard('4000000000000002');
  const refused = await page.evaluate(() =>
    window.stripe.confirmPayment({
      elements: window.elements,
      confirmParams: { return_url: location.href },
    }),
  );
  expect(refused).toMatchObject({ error: { code: 'card_declined' } });
});

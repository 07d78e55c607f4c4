// @vitest-environment happy-dom
import type { CheckoutRequest, Order, Solution } from '@till/client';
import type { TestCard } from '@till/client/stub';
import {
  CheckoutForm,
  type CheckoutOptions,
  type ContactDraft,
  emptyDraft,
  type PayableIntent,
  type StripeKey,
  tillPlugin,
  useCart,
} from '@till/vue';
import { createPinia } from 'pinia';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createApp, h, reactive } from 'vue';
import { asksForProof, FORM, openShop, TURNSTILE } from './shop.js';

const GOOD = '4242424242424242';
const NO_FUNDS = '4000000000009995';
const KEY = { publishableKey: 'pk_test_key', stripeJsUrl: 'https://js.example/stripe.js' };
const CHALLENGED = '4000000000003220';

type Shop = ReturnType<typeof openShop>;
type Stripe = ReturnType<typeof fakeStripe>;
let stripeOfPage: Stripe;
const closing: (() => void)[] = [];

/** A Stripe.js whose shopper types this card, and that writes down what it was asked. */
function fakeStripe(stub: Shop['stub']) {
  const bank = { card: GOOD as TestCard, passes: true };
  const asked: unknown[] = [];
  let clientSecret = '';
  const told: Record<string, (heard: object) => void> = {};
  const element = {
    on(event: string, does: (heard: object) => void) {
      told[event] = does;
      if (event === 'ready') queueMicrotask(() => does({}));
    },
    mount: (place: HTMLElement) => void asked.push(`mounted in ${place.className}`),
    destroy: () => void asked.push('destroyed'),
  };
  return {
    bank,
    asked,
    /** The shopper types into Stripe's fields for an address. */
    types: (value: object) => told.change?.({ value }),
    incomplete: undefined as object | undefined,
    /** So many forms of Stripe's cannot be loaded. */
    failing: 0,
    elements(options: { clientSecret: string }) {
      if (stripeOfPage.failing > 0) {
        stripeOfPage.failing -= 1;
        throw new Error('Stripe does not answer');
      }
      clientSecret = options.clientSecret;
      const submit = async () => ({ error: stripeOfPage.incomplete });
      return { create: () => element, getElement: () => element, submit };
    },
    async confirmPayment({ confirmParams }: { confirmParams: object }) {
      asked.push(confirmParams);
      return stub.stripe.confirmPayment({ clientSecret, card: bank.card });
    },
    handleNextAction: (intent: { clientSecret: string }) =>
      stub.stripe.handleNextAction({ ...intent, passes: bank.passes }),
    _registerWrapper: () => undefined,
    registerAppInfo: () => undefined,
  };
}

/** The form on a page, filled in as far as `typed` says. */
async function onPage(
  typed: Partial<CheckoutRequest> = FORM,
  {
    shop = openShop(),
    failing = 0,
    ...props
  }: {
    shop?: Pick<Shop, 'stub' | 'till' | 'product'>;
    failing?: number;
    orderId?: string;
    stripe?: StripeKey;
    solve?: CheckoutOptions['solve'];
  } = {},
) {
  const stripe = fakeStripe(shop.stub);
  stripe.failing = failing;
  stripeOfPage = stripe;
  const { email = '', shippingAddress } = typed;
  const draft: ContactDraft = reactive({ ...emptyDraft(), email });
  Object.assign(draft.shippingAddress, shippingAddress);
  const paid: Order[] = [];
  const intents: PayableIntent[] = [];
  const page = document.body.appendChild(document.createElement('main'));
  const form = () =>
    h(CheckoutForm, {
      draft,
      locale: 'en',
      returnUrl: (id: string) => `https://shop.example/orders/${id}`,
      options: { wait: () => new Promise<void>((passed) => setTimeout(passed, 5)) },
      ...props,
      onPaid: (order: Order) => paid.push(order),
      onIntent: (intent: PayableIntent) => intents.push(intent),
    });
  const app = createApp(form).use(createPinia()).use(tillPlugin, shop.till);
  const cart = app.runWithContext(useCart);
  await cart.add(await shop.product('mug'));
  app.mount(page);
  closing.push(() => {
    app.unmount();
    page.remove();
  });

  const says = (text: string) => vi.waitFor(() => expect(page.textContent).toContain(text));
  const button = (text: string) =>
    vi.waitFor(() => {
      const all = [...page.querySelectorAll('button')];
      const found = all.find((one) => one.textContent?.includes(text));
      if (!found || found.getAttribute('aria-disabled') === 'true') throw new Error(page.outerHTML);
      return found;
    });
  const click = async (text: string) => (await button(text)).click();
  return { ...shop, cart, stripe, draft, paid, intents, page, says, click, button };
}

beforeEach(() => {
  // The page loads Stripe.js once, and keeps it.
  const kept: Pick<
    Stripe,
    'elements' | 'confirmPayment' | 'handleNextAction' | '_registerWrapper' | 'registerAppInfo'
  > = {
    elements: (options) => stripeOfPage.elements(options),
    confirmPayment: (options) => stripeOfPage.confirmPayment(options),
    handleNextAction: (intent) => stripeOfPage.handleNextAction(intent),
    _registerWrapper: () => undefined,
    registerAppInfo: () => undefined,
  };
  const load = Object.assign(() => kept, { version: 'endive' });
  vi.stubGlobal('Stripe', load);
  Object.assign(window, { Stripe: load });
});

afterEach(() => {
  for (const close of closing.splice(0)) close();
  vi.unstubAllGlobals();
});

describe('the checkout’s form', () => {
  it('leads from the fields to a paid order, and shows what will be charged before', async () => {
    const { click, says, stripe, paid } = await onPage();
    await click('Continue to payment');
    await click('Pay €16.90');
    await says('Your order is paid');
    expect(paid.map(({ total }) => total)).toEqual([16.9]);
    expect(stripe.asked).toContainEqual({
      return_url: `https://shop.example/orders/${paid[0]?.id}`,
    });
  });

  it('asks for another card after a decline, with what the bank said', async () => {
    const { click, says, stripe, paid } = await onPage();
    stripe.bank.card = NO_FUNDS;
    await click('Continue to payment');
    await click('Pay');
    await says('insufficient funds');
    stripe.bank.card = GOOD;
    await click('Pay');
    await says('Your order is paid');
    expect(paid).toHaveLength(1);
  });

  it('leads to the bank that wants to see the shopper', async () => {
    const { click, says, stripe } = await onPage();
    stripe.bank.card = CHALLENGED;
    await click('Continue to payment');
    await click('Pay');
    await says('sure that it is you');
    await click('Confirm with your bank');
    await says('Your order is paid');
  });

  it('shows what has changed, and goes on with one click', async () => {
    const { click, says, stub } = await onPage();
    stub.setPrice('mug', 13);
    await click('Continue to payment');
    await says('Mug: now €13.00 instead of €12.00');
    await click('Accept');
    await click('Pay €17.90');
    await says('Your order is paid');
  });

  it('sends what the page has solved where the shop asks for a proof', async () => {
    const proof: Solution = { kind: 'turnstile', token: 'a person' };
    const proofs: Solution[] = [];
    const shop = openShop(asksForProof(TURNSTILE, proofs));
    const { button, click } = await onPage(FORM, { shop, solve: async () => proof });
    await click('Continue to payment');
    await button('Pay');
    expect(proofs).toEqual([proof]);
  });

  it('says that the payment has been received while its event is late', async () => {
    const { click, says, stub } = await onPage();
    stub.stripe.holdEvents();
    await click('Continue to payment');
    await click('Pay');
    await says('Payment received, finishing');
    stub.stripe.releaseEvents();
    await says('Your order is paid');
  });

  it('takes the address from Stripe’s fields where the shop has given its key', async () => {
    const { click, page, says, stripe, draft } = await onPage(
      { email: FORM.email },
      { stripe: KEY },
    );
    await vi.waitFor(() => expect(stripe.asked).toContain('mounted in till-address-element'));
    expect(page.querySelector('.till-street')).toBeNull();
    stripe.incomplete = { message: 'Your address is incomplete.' };
    await click('Continue to payment');
    await new Promise((passed) => setTimeout(passed, 20));
    expect(page.querySelector('.till-contact')).not.toBeNull();
    stripe.incomplete = undefined;
    const address = { line1: 'Main St 1', line2: 'Flat 2', city: 'Springfield', state: 'IL' };
    stripe.types({ name: 'Ada', address: { ...address, postal_code: '62701', country: 'US' } });
    await click('Continue to payment');
    await click('Pay');
    await says('Your order is paid');
    const { street, city, country } = draft.shippingAddress;
    expect([street, city, country]).toEqual(['Main St 1, Flat 2', 'Springfield, IL', 'US']);
  });

  it('has fields of its own where Stripe’s cannot be loaded', async () => {
    const { click, says, page } = await onPage(FORM, { stripe: KEY, failing: 1 });
    await vi.waitFor(() => expect(page.querySelector('.till-street')).not.toBeNull());
    await click('Continue to payment');
    await click('Pay');
    await says('Your order is paid');
  });

  it('marks the field that is wrong, says why, and leads there', async () => {
    const { click, page, draft } = await onPage({ ...FORM, email: 'nobody@nowhere' });
    await click('Continue to payment');
    const email = page.querySelector<HTMLInputElement>('input[type=email]');
    await vi.waitFor(() => expect(email?.getAttribute('aria-invalid')).toBe('true'));
    const [, wrong] = page.querySelectorAll('.till-email p');
    expect(email?.getAttribute('aria-describedby')).toBe(wrong?.id);
    expect(document.activeElement).toBe(email);
    draft.email = FORM.email;
    await click('Continue to payment');
    await click('Pay');
  });

  it('lets the shopper change where it goes, which makes another order', async () => {
    const { click, page, draft, says, button } = await onPage();
    await click('Continue to payment');
    await button('Pay');
    await click('Change');
    expect(page.querySelector('.till-contact')).not.toBeNull();
    draft.shippingAddress.street = 'Nebenstr. 2';
    await click('Continue to payment');
    await click('Pay');
    await says('Your order is paid');
    expect(page.textContent).not.toContain('Pay €');
  });

  it('moves the focus with the shopper, so that all hear where they are', async () => {
    const { click } = await onPage();
    await click('Continue to payment');
    await vi.waitFor(() => expect(document.activeElement?.textContent).toBe('Payment'));
    await click('Pay');
    await vi.waitFor(() => expect(document.activeElement?.textContent).toContain('Thank you'));
  });

  it('tries again to load Stripe’s form, and charges nothing meanwhile', async () => {
    const { click, says } = await onPage(FORM, { failing: 1 });
    await click('Continue to payment');
    await says('could not be loaded');
    await click('Load it again');
    await click('Pay');
    await says('Your order is paid');
  });

  it('shows what became of a payment whose form does not load any more', async () => {
    const first = await onPage();
    await first.click('Continue to payment');
    await first.button('Pay');
    first.stub.stripe.holdEvents();
    const { clientSecret = '' } = first.intents[0] ?? {};
    await first.stub.stripe.confirmPayment({ clientSecret, card: GOOD });
    const reloaded = await onPage(FORM, { shop: first, failing: 1 });
    await reloaded.click('Continue to payment');
    await reloaded.says('Payment received, finishing');
    expect(reloaded.page.textContent).not.toContain('could not be loaded');
    first.stub.stripe.releaseEvents();
    await reloaded.says('Your order is paid');
  });

  it('looks after the order that the shopper has come back to', async () => {
    const first = await onPage();
    await first.click('Continue to payment');
    await first.button('Pay');
    const intent = first.intents[0];
    await first.stub.stripe.confirmPayment({
      clientSecret: intent?.clientSecret ?? '',
      card: GOOD,
    });
    const back = await onPage(FORM, { shop: first, orderId: intent?.orderId ?? '' });
    await back.says('Your order is paid');
    const nobody = await onPage(FORM, { shop: first, orderId: 'of nobody' });
    await nobody.says('This order cannot be shown');
  });
});

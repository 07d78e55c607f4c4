import type { Stripe, StripeElements } from '@stripe/stripe-js';
import type { Challenge, Fetch, Solution } from '@till/client';
import { type CheckoutState, useCart, useCheckout } from '@till/vue';
import { describe, expect, it, vi } from 'vitest';
import { useCheckoutPage } from '../examples/checkout-page.js';
import { asksForProof, FORM, openShop, TURNSTILE } from './shop.js';

const GOOD = '4242424242424242';
const NO_FUNDS = '4000000000009995';
const CHALLENGED = '4000000000003220';

/** A shopper at the checkout. Each wait for a late event is a step of `later`. */
async function atCheckout(sku = 'mug', through?: (fetch: Fetch) => Fetch) {
  const shop = openShop(through);
  const waits: number[] = [];
  const later: { does: () => void } = { does: () => shop.leave() };
  const wait = async (ms: number) => {
    waits.push(ms);
    later.does();
  };
  const cart = shop.inApp(useCart);
  const checkout = shop.inApp(() => useCheckout({ wait }));
  await cart.add(await shop.product(sku));
  return { ...shop, cart, checkout, waits, later };
}

/** The state, if it is this one. */
function expectStep<Step extends CheckoutState['step']>(
  { state }: Pick<ReturnType<typeof useCheckout>, 'state'>,
  step: Step,
): Extract<CheckoutState, { step: Step }> {
  expect(state.value.step).toBe(step);
  return state.value as Extract<CheckoutState, { step: Step }>;
}

describe('a checkout', () => {
  it('leads from the cart to a paid order, and empties the cart', async () => {
    const { checkout, cart, confirmWith } = await atCheckout();
    expectStep(checkout, 'cart');
    await checkout.start(FORM);
    expect(expectStep(checkout, 'intent').intent.amount).toBe(16.9);
    const paying = checkout.pay(confirmWith(GOOD));
    expectStep(checkout, 'confirming');
    await paying;
    expect(expectStep(checkout, 'paid').order.total).toBe(16.9);
    expect(cart.lines).toEqual([]);
  });

  it('confirms once however often the button is pressed', async () => {
    const { checkout, confirmWith } = await atCheckout();
    await checkout.start(FORM);
    let confirmed = 0;
    const confirm: ReturnType<typeof confirmWith> = (intent) => {
      confirmed += 1;
      return confirmWith(GOOD)(intent);
    };
    await Promise.all([checkout.pay(confirm), checkout.pay(confirm), checkout.start(FORM)]);
    await checkout.pay(confirm);
    expect(confirmed).toBe(1);
    expectStep(checkout, 'paid');
  });

  it('takes another card after a decline, for the same order', async () => {
    const { checkout, confirmWith } = await atCheckout();
    await checkout.start(FORM);
    await checkout.pay(confirmWith(NO_FUNDS));
    const { message, intent } = expectStep(checkout, 'declined');
    expect(message).toBe('Your card has insufficient funds.');
    await checkout.pay(confirmWith(GOOD));
    expect(expectStep(checkout, 'paid').order.id).toBe(intent.orderId);
  });

  it('sends the shopper to her bank, and goes on when she is back', async () => {
    for (const passes of [true, false]) {
      const { checkout, confirmWith, stub } = await atCheckout();
      await checkout.start(FORM);
      await checkout.pay(confirmWith(CHALLENGED));
      expectStep(checkout, 'challenge');
      await checkout.pay(({ clientSecret }) =>
        stub.stripe.handleNextAction({ clientSecret, passes }),
      );
      expectStep(checkout, passes ? 'paid' : 'declined');
    }
  });

  it('lets her fill in the card again where nothing was confirmed', async () => {
    const { checkout } = await atCheckout();
    await checkout.start(FORM);
    await checkout.pay(async () => ({ error: { message: 'Your card number is incomplete.' } }));
    expect(expectStep(checkout, 'intent').message).toBe('Your card number is incomplete.');
  });

  it('says that the payment has arrived while its event is late, until the order is paid', async () => {
    const { checkout, confirmWith, stub, waits, later } = await atCheckout();
    await checkout.start(FORM);
    stub.stripe.holdEvents();
    const seen: string[] = [];
    later.does = () => {
      const { order } = expectStep(checkout, 'finishing');
      seen.push(`${order?.status} ${order?.payment?.status}`);
      if (seen.length === 6) stub.stripe.releaseEvents();
    };
    await checkout.pay(confirmWith(GOOD));
    expectStep(checkout, 'paid');
    expect(new Set(seen)).toEqual(new Set(['pending succeeded']));
    expect(waits).toEqual([1000, 2000, 4000, 8000, 15_000, 15_000]);
  });

  it('never says that a payment failed of which nobody knows', async () => {
    let isLost = false;
    const { checkout, confirmWith, later } = await atCheckout(
      'mug',
      (fetch) => async (url, init) => {
        if (isLost) throw new TypeError('the network is gone');
        return fetch(url, init);
      },
    );
    await checkout.start(FORM);
    later.does = () => {
      expectStep(checkout, 'finishing');
      isLost = false;
    };
    await checkout.pay(async (intent) => {
      await confirmWith(GOOD)(intent);
      isLost = true;
      throw new Error('Stripe.js has lost its connection');
    });
    expectStep(checkout, 'paid');
  });

  it('waits as long as a shop wants that is asked too often', async () => {
    const body = JSON.stringify({ error: { code: 'rate.limited', message: 'Wait.' } });
    const headers = { 'retry-after': '60' };
    let isLimited = false;
    const { checkout, confirmWith, waits, later } = await atCheckout(
      'mug',
      (fetch) => (url, init) =>
        isLimited
          ? Promise.resolve(new Response(body, { status: 429, headers }))
          : fetch(url, init),
    );
    await checkout.start(FORM);
    later.does = () => {
      isLimited = false;
    };
    await checkout.pay((intent) => {
      isLimited = true;
      return confirmWith(GOOD)(intent);
    });
    expectStep(checkout, 'paid');
    expect(waits).toEqual([60_000]);
  });

  it('ends with its component', async () => {
    const { checkout, confirmWith, stub, waits } = await atCheckout();
    await checkout.start(FORM);
    stub.stripe.holdEvents();
    await checkout.pay(confirmWith(GOOD));
    expectStep(checkout, 'finishing');
    expect(waits).toHaveLength(1);
  });

  it('goes on after a reload, with the order’s id alone', async () => {
    const first = await atCheckout();
    await first.checkout.start(FORM);
    const { intent } = expectStep(first.checkout, 'intent');
    const again = first.inApp(() => useCheckout());
    await again.resume(intent.orderId);
    expectStep(again, 'cart');
    await again.start(FORM);
    expect(expectStep(again, 'intent').intent).toEqual(intent);
    await first.confirmWith(GOOD)(intent);
    const returned = first.inApp(() => useCheckout());
    await returned.resume(intent.orderId);
    expectStep(returned, 'paid');
    await returned.resume('of nobody');
    expectStep(returned, 'unknown');
  });

  it('shows what has changed, and goes on with one click', async () => {
    const { checkout, cart, product, stub } = await atCheckout();
    await cart.add(await product('lamp'), 2);
    stub.setPrice('mug', 13);
    await checkout.start(FORM);
    expectStep(checkout, 'changed');
    expect(cart.changes).toMatchObject([{ name: 'Mug', oldUnitPrice: 12, newUnitPrice: 13 }]);
    stub.setStock('lamp', 1);
    await checkout.accept();
    expectStep(checkout, 'changed');
    expect(cart.changes).toMatchObject([{ name: 'Lamp', wanted: 2, available: 1 }]);
    await checkout.accept();
    expect(expectStep(checkout, 'intent').intent.amount).toBe(53);
  });

  it('leads back to the cart when nothing of it is left', async () => {
    const { checkout, cart, stub } = await atCheckout();
    stub.setStock('mug', 0);
    await checkout.start(FORM);
    await checkout.accept();
    expectStep(checkout, 'cart');
    expect(cart.lines).toEqual([]);
  });

  it('shows what is wrong with the form', async () => {
    const { checkout } = await atCheckout();
    await checkout.start({ ...FORM, email: 'nobody' });
    expect(expectStep(checkout, 'cart').failure).toMatchObject({ details: { field: 'email' } });
  });

  it('does the work that a shop asks for while it is attacked, and sends the same again', async () => {
    const proofs: Solution[] = [];
    const work: Challenge = { kind: 'work', challenge: 'of this visitor', bits: 9 };
    const { checkout } = await atCheckout('mug', asksForProof(work, proofs));
    await checkout.start(FORM);
    expectStep(checkout, 'intent');
    const answers = proofs.map((proof) => proof.kind === 'work' && proof.answer);
    const text = new TextEncoder().encode(`of this visitor:${answers}`);
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', text));
    expect([hash[0], (hash[1] ?? 255) < 128]).toEqual([0, true]);
  });

  it('says so where it cannot do what is asked', async () => {
    const { checkout } = await atCheckout('mug', asksForProof(TURNSTILE));
    await checkout.start(FORM);
    expect(expectStep(checkout, 'cart').failure?.message).toBe('Solve it.');
  });

  it.for([
    ['sends what the page has solved', 'intent', 'a person'],
    ['says so where the page cannot solve it', 'cart', undefined],
  ] as const)('%s', async ([, end, token], { expect }) => {
    const proofs: Solution[] = [];
    const shop = openShop(asksForProof(TURNSTILE, proofs));
    const solve = async (asked: Challenge): Promise<Solution> => {
      expect(asked).toEqual(TURNSTILE);
      if (!token) throw new Error('the widget cannot be loaded');
      return { kind: 'turnstile', token };
    };
    const checkout = shop.inApp(() => useCheckout({ solve }));
    await shop.inApp(useCart).add(await shop.product('mug'));
    await checkout.start(FORM);
    expectStep(checkout, end);
    expect(proofs).toEqual(token ? [{ kind: 'turnstile', token }] : []);
  });

  it('asks for no card where there is nothing to pay', async () => {
    const { checkout } = await atCheckout('gift');
    await checkout.start(FORM);
    expectStep(checkout, 'paid');
  });

  it('shows the order that another tab is paying, and pays no second one', async () => {
    const { checkout, cart, confirmWith, stub, inApp, product, later } = await atCheckout();
    await checkout.start(FORM);
    const { intent } = expectStep(checkout, 'intent');
    stub.stripe.holdEvents();
    await confirmWith(GOOD)(intent);
    await cart.add(await product('lamp'));
    later.does = () => stub.stripe.releaseEvents();
    const other = inApp(() => useCheckout({ wait: async () => later.does() }));
    await other.start(FORM);
    expect(expectStep(other, 'paid').order.id).toBe(intent.orderId);
    expect(cart.lines.map(({ sku }) => sku)).toEqual(['lamp']);
  });

  it('is a page as its README shows it', async () => {
    const { inApp, stub, product } = openShop();
    let secret = '';
    const asked: unknown[] = [];
    const stripe: Pick<Stripe, 'confirmPayment' | 'handleNextAction'> = {
      confirmPayment: async ({ confirmParams }: { confirmParams?: object }) => {
        asked.push(confirmParams);
        return stub.stripe.confirmPayment({ clientSecret: secret, card: CHALLENGED }) as never;
      },
      handleNextAction: async () => stub.stripe.handleNextAction({ clientSecret: secret }) as never,
    };
    const page = inApp(() => useCheckoutPage(stripe as Stripe));
    await page.cart.add(await product('mug'));
    await page.start(FORM);
    const { intent } = expectStep(page, 'intent');
    secret = intent.clientSecret;
    vi.stubGlobal('location', { origin: 'https://shop.example' });
    await page.pay({} as StripeElements);
    vi.unstubAllGlobals();
    expect(asked).toEqual([{ return_url: `https://shop.example/orders/${intent.orderId}` }]);
    expectStep(page, 'challenge');
    await page.goToBank();
    expectStep(page, 'paid');
  });

  it('says that an order is over, and that nothing more can be paid of it', async () => {
    const { checkout, confirmWith, till } = await atCheckout();
    await checkout.start(FORM);
    const { intent } = expectStep(checkout, 'intent');
    await till.orders.cancel(intent.orderId);
    await checkout.pay(confirmWith(GOOD));
    expect(expectStep(checkout, 'over').order.status).toBe('cancelled');
  });
});

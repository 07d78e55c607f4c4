import { act, fireEvent, render, screen, waitFor } from '@testing-library/react';
import type { Challenge } from '@till/client';
import {
  CheckoutProvider,
  type CheckoutProviderProps,
  StripePayment,
  useCheckout,
} from '@till/react';
import { StrictMode, version } from 'react';
import { describe, expect, inject, it } from 'vitest';
import { CHALLENGED, NO_FUNDS, openShop, type Shop } from './shop.js';

const PAY = ['elements.submit', 'createConfirmationToken', 'POST /current/pay'];

type Seen = ReturnType<typeof useCheckout>;

/** A page with the form, as a browser shows it; `seen` is what its components see. */
function show(
  { key }: Shop,
  { isStrict = true, ...options }: Partial<CheckoutProviderProps> & { isStrict?: boolean } = {},
) {
  const seen: { checkout: Seen; renders: number } = { checkout: {} as Seen, renders: 0 };
  function Look() {
    seen.checkout = useCheckout();
    seen.renders += 1;
    const { session, paymentError } = seen.checkout;
    return <output>{`${session?.status} ${session?.payment.status} ${paymentError ?? ''}`}</output>;
  }
  const page = (
    <CheckoutProvider {...options}>
      <StripePayment publishableKey={key} />
      <Look />
    </CheckoutProvider>
  );
  const { unmount } = render(isStrict ? <StrictMode>{page}</StrictMode> : page);
  return { seen, unmount };
}

const button = () => screen.getByRole('button') as HTMLButtonElement;
const state = () => screen.getByRole('status').textContent?.trim();
const becomes = (text: string) => waitFor(() => expect(state()).toBe(text));
const ready = () => waitFor(() => expect(button().disabled).toBe(false));

async function openPage(options: Parameters<typeof openShop>[0] = {}) {
  const shop = await openShop(options);
  const page = show(shop);
  await ready();
  return { ...shop, ...page };
}

describe('the payment form', () => {
  it('runs on the React that it is told to', () => {
    expect(version.split('.')[0]).toBe(inject('react'));
  });

  it('asks Stripe.js and the shop once each, in StrictMode and however often it is pressed', async () => {
    const { calls, stripe } = await openPage();
    expect(calls).toEqual(['GET /current', 'Stripe(null)']);
    expect(stripe.told.options[0]).toMatchObject({
      mode: 'payment',
      amount: 1690,
      currency: 'eur',
    });
    expect(button().textContent).toBe('Pay €16.90');
    calls.length = 0;
    fireEvent.click(button());
    fireEvent.click(button());
    await becomes('complete succeeded');
    expect(calls).toEqual(PAY);
    fireEvent.submit(button());
    expect(calls).toEqual(PAY);
  });

  it.for([
    ['solves what the shop asks for, and pays with the same token', 'complete succeeded', 2],
    ['says that she cannot pay now where nobody solves it', 'open idle', 1],
  ] as const)('%s', async ([, end, times], { expect }) => {
    const shop = await openShop();
    const challenge = { kind: 'turnstile', siteKey: 'key' } as const;
    const solution = { kind: 'turnstile', token: 'a person' } as const;
    const solve = async (asked: Challenge) => {
      expect(asked).toEqual(challenge);
      if (times === 1) throw new Error('the widget cannot be loaded');
      return solution;
    };
    const sent: Record<string, unknown>[] = [];
    shop.network.through = (fetch) => async (url, init) => {
      if (!url.endsWith('/pay')) return fetch(url, init);
      const { challenge: solved, ...means } = JSON.parse(String(init.body));
      sent.push({ solved, token: means.confirmation_token });
      if (solved) return fetch(url, { ...init, body: JSON.stringify(means) });
      const error = { code: 'CHALLENGE_REQUIRED', message: 'Not now.', challenge };
      return new Response(JSON.stringify({ success: false, error }), { status: 403 });
    };
    const { seen } = show(shop, { solve });
    await ready();
    fireEvent.click(button());
    await waitFor(() => expect(sent).toHaveLength(times));
    await becomes(end);
    expect(new Set(sent.map(({ token }) => token)).size).toBe(1);
    if (times === 2) expect(sent[1]?.solved).toEqual(solution);
    else await waitFor(() => expect(seen.checkout.error?.code).toBe('CHALLENGE_REQUIRED'));
  });

  it('pays with the token that it is given, and asks the form for none', async () => {
    const { calls, seen, stub } = await openPage();
    const { confirmationToken } = await stub.stripe.createConfirmationToken({ card: NO_FUNDS });
    calls.length = 0;
    const twice = await act(() =>
      Promise.all([
        seen.checkout.placeOrder({ confirmation_token: confirmationToken.id }),
        seen.checkout.placeOrder(),
      ]),
    );
    expect(calls).toEqual(['POST /current/pay']);
    expect(twice[0]).toMatchObject({
      success: true,
      data: { session: { status: 'open', payment: { status: 'failed' } } },
      paymentError: 'Your card has insufficient funds.',
    });
    expect(twice[1]).toMatchObject({ success: false, error: { code: 'IN_FLIGHT' } });
  });

  it('pays nothing where the form is not complete, and says what is missing', async () => {
    const { calls, stripe } = await openPage();
    stripe.told.submit = { error: { message: 'Your card number is incomplete.' } };
    calls.length = 0;
    fireEvent.click(button());
    await waitFor(() =>
      expect(screen.getByRole('alert').textContent).toBe('Your card number is incomplete.'),
    );
    expect(calls).toEqual(['elements.submit']);
    stripe.told.submit = {};
    fireEvent.click(button());
    await becomes('complete succeeded');
  });

  it('takes another card after a decline', async () => {
    const { bank, count } = await openPage();
    bank.card = NO_FUNDS;
    fireEvent.click(button());
    await becomes('open failed Your card has insufficient funds.');
    expect(screen.getByRole('alert').textContent).toBe('Your card has insufficient funds.');
    bank.card = '4242424242424242';
    fireEvent.click(button());
    await becomes('complete succeeded');
    expect(PAY.map(count)).toEqual([2, 2, 2]);
    expect(count('confirmPayment')).toBe(0);
  });

  it('saves the address before it pays, and only where it is another', async () => {
    const { calls, stripe, till } = await openPage();
    const address = {
      line1: 'Marktplatz 2',
      city: 'Bonn',
      state: '',
      country: 'DE',
      postal_code: '53111',
    };
    stripe.types({ name: 'Ada Beispiel', firstName: 'Ada', lastName: 'Beispiel', address });
    calls.length = 0;
    fireEvent.click(button());
    await becomes('complete succeeded');
    const [submit = '', ...rest] = PAY;
    expect(calls).toEqual([submit, 'PATCH /current', ...rest]);
    const current = await till.sessions.current();
    expect(current).toMatchObject({
      value: { session: { billingAddress: { line1: 'Marktplatz 2', postcode: '53111' } } },
    });
  });

  it('pays what she has said last, though its answer was not there yet', async () => {
    const { calls, seen, network } = await openPage();
    let answer = () => {};
    const held = new Promise<void>((go) => {
      answer = go;
    });
    network.through = (fetch) => async (url, init) => {
      if (init.method === 'PATCH') await held;
      return fetch(url, init);
    };
    calls.length = 0;
    const customerInfo = { name: 'Grace', email: 'grace@example.org' };
    await act(async () => {
      seen.checkout.updateSession({ customerInfo });
      seen.checkout.placeOrder();
    });
    expect(calls).toEqual(['PATCH /current']);
    answer();
    await becomes('complete succeeded');
    expect(calls).toEqual(['PATCH /current', ...PAY]);
    expect(seen.checkout.session).toMatchObject({ customerInfo });
  });

  it('lets the shopper look at a total that has changed with the address', async () => {
    const { calls, stripe, network, count } = await openPage();
    // The stub sends everywhere for the same; what she sees costs one euro more abroad.
    network.through = (fetch) => async (url, init) => {
      if (url.endsWith('/pay')) {
        const asked = JSON.parse(String(init.body));
        return fetch(url, {
          ...init,
          body: JSON.stringify({ ...asked, total: asked.total - 100 }),
        });
      }
      const answer = await fetch(url, init);
      if (init.method !== 'PATCH') return answer;
      const said = JSON.parse(await answer.text());
      said.data.session.totals.total += 100;
      return new Response(JSON.stringify(said), { status: 200 });
    };
    const address = {
      line1: 'Rue 2',
      city: 'Lyon',
      state: '',
      country: 'FR',
      postal_code: '69001',
    };
    stripe.types({ name: 'Ada Beispiel', address });
    fireEvent.click(button());
    await waitFor(() => expect(button().textContent).toBe('Pay €17.90'));
    expect(screen.getByRole('alert').textContent).toContain('The total is different');
    expect(stripe.told.options.at(-1)).toMatchObject({ amount: 1790 });
    expect([count('createConfirmationToken'), count('POST /current/pay')]).toEqual([0, 0]);
    calls.length = 0;
    fireEvent.click(button());
    await becomes('complete succeeded');
    expect(calls).toEqual(PAY);
  });

  it('asks Stripe for nothing where there is nothing to pay', async () => {
    const { calls, seen, stripe } = await openPage({ sku: 'gift' });
    fireEvent.click(button());
    await becomes('complete succeeded');
    expect(calls).toEqual(['GET /current', 'POST /current/pay']);
    expect(seen.checkout.session?.payment.gateway).toBe('manual');
    expect(stripe.told.options).toEqual([]);
  });

  it('shows a cart that has changed, and pays it when it is asked again', async () => {
    const { stub, count } = await openPage();
    stub.setPrice('mug', 20);
    fireEvent.click(button());
    await waitFor(() => expect(button().textContent).toBe('Pay €24.90'));
    expect(screen.getByRole('alert').textContent).toBe(
      'The cart has changed. Look at it, then pay.',
    );
    fireEvent.click(button());
    await becomes('complete succeeded');
    expect(count('POST /current/pay')).toBe(2);
  });

  it('pays what was shown at the click, or nothing', async () => {
    const shop = await openPage();
    const { stub, seen, till } = shop;
    const totals: unknown[] = [];
    shop.network.through = (fetch) => async (url, init) => {
      if (url.endsWith('/pay')) totals.push(JSON.parse(String(init.body)).total);
      return fetch(url, init);
    };
    stub.setPrice('mug', 20);
    // Another tab has been told of it, and the session is priced anew.
    const { confirmationToken } = await stub.stripe.createConfirmationToken({ card: NO_FUNDS });
    const means = { gateway: 'stripe', confirmation_token: confirmationToken.id } as const;
    await till.sessions.pay({ ...means, total: 1690 });
    fireEvent.click(button());
    await waitFor(() => expect(button().textContent).toBe('Pay €24.90'));
    expect(seen.checkout.error?.code).toBe('CART_MISMATCH');
    fireEvent.click(button());
    await becomes('complete succeeded');
    expect(totals).toEqual([1690, 2490]);
  });

  it('says so where Stripe.js cannot be loaded, and tries again when it is shown again', async () => {
    const shop = await openShop();
    shop.loading.fails = true;
    const { unmount } = show(shop);
    await waitFor(() =>
      expect(screen.getByRole('alert').textContent).toBe('The payment form cannot be loaded.'),
    );
    expect(button().disabled).toBe(true);
    unmount();
    shop.loading.fails = false;
    show(shop);
    await ready();
    expect(screen.getByRole('alert').textContent).toBe('');
  });

  it('uses the connected account', async () => {
    const shop = await openShop();
    render(
      <CheckoutProvider>
        <StripePayment publishableKey={shop.key} stripeAccount="acct_1" />
      </CheckoutProvider>,
    );
    await ready();
    expect(shop.calls).toContain('Stripe({"stripeAccount":"acct_1"})');
  });
});

describe('3-D Secure', () => {
  const CHALLENGE = [...PAY, 'handleNextAction', 'POST /current/resume-payment'];

  it.for([
    ['passes', 'complete succeeded', []],
    ['fails', 'open failed Your bank could not confirm that it was you.', ['GET /current']],
    [
      'closes',
      'open failed The payment was given up. Nothing was charged.',
      ['POST /current/abandon-payment'],
    ],
  ] as const)('that she %s ends with the server’s word', async ([does, end, asked]) => {
    const { bank, calls } = await openPage();
    bank.card = CHALLENGED;
    bank.does = does;
    calls.length = 0;
    fireEvent.click(button());
    await becomes(end);
    expect(calls).toEqual([...CHALLENGE, ...asked]);
  });

  it('goes on after a reload, with the same payment', async () => {
    const shop = await openShop();
    const { confirmationToken } = await shop.stub.stripe.createConfirmationToken({
      card: CHALLENGED,
    });
    await shop.till.sessions.pay({
      gateway: 'stripe',
      confirmation_token: confirmationToken.id,
      total: 1690,
    });
    show(shop);
    await ready();
    expect(state()).toBe('open requires_action');
    shop.calls.length = 0;
    fireEvent.click(button());
    await becomes('complete succeeded');
    expect(shop.calls).toEqual(CHALLENGE.slice(PAY.length));
  });

  it('is over where her bank has sent her back by a redirect', async () => {
    const shop = await openShop();
    const { confirmationToken } = await shop.stub.stripe.createConfirmationToken({
      card: CHALLENGED,
    });
    const paid = await shop.till.sessions.pay({
      gateway: 'stripe',
      confirmation_token: confirmationToken.id,
      total: 1690,
    });
    const clientSecret = (paid.ok && paid.value.session.payment.clientToken) || '';
    await shop.stub.stripe.handleNextAction({ clientSecret });
    // The shop has not heard of it when the page asks first.
    shop.network.through = (fetch) => async (url, init) => {
      const said = JSON.parse(await (await fetch(url, init)).text());
      if (init.method === 'GET') {
        Object.assign(said.data.session, { status: 'open', order: null });
        Object.assign(said.data.session.payment, {
          status: 'requires_action',
          clientToken: clientSecret,
        });
      }
      return new Response(JSON.stringify(said), { status: 200 });
    };
    show(shop);
    await becomes('complete succeeded');
    expect(shop.calls).toEqual(['GET /current', 'POST /current/resume-payment', 'Stripe(null)']);
  });

  it('can be resumed by a button of the shop’s own', async () => {
    const shop = await openShop();
    const { confirmationToken } = await shop.stub.stripe.createConfirmationToken({
      card: CHALLENGED,
    });
    await shop.till.sessions.pay({
      gateway: 'stripe',
      confirmation_token: confirmationToken.id,
      total: 1690,
    });
    const { seen } = show(shop);
    await ready();
    await act(() => seen.checkout.resumePayment());
    expect(state()).toBe('complete succeeded');
  });
});

describe('a page that', () => {
  it('is left while it pays sets nothing, and the session is found again', async () => {
    const shop = await openShop();
    const { seen, unmount } = show(shop);
    await ready();
    let answer = () => {};
    const held = new Promise<void>((go) => {
      answer = go;
    });
    shop.network.through = (fetch) => async (url, init) => {
      const said = await fetch(url, init);
      if (url.endsWith('/pay')) await held;
      return said;
    };
    fireEvent.click(button());
    await waitFor(() => expect(shop.count('POST /current/pay')).toBe(1));
    const { renders } = seen;
    unmount();
    answer();
    await held;
    expect(seen.renders).toBe(renders);
    show(shop);
    await becomes('complete succeeded');
    expect(shop.count('POST /current/pay')).toBe(1);
  });

  it('loses the network while it pays asks how it stands, and never pays anew', async () => {
    const shop = await openShop();
    const waits: number[] = [];
    const wait = async (ms: number) => {
      waits.push(ms);
      if (waits.length === 2) shop.network.through = (fetch) => fetch;
    };
    show(shop, { wait });
    await ready();
    shop.network.through = (fetch) => async (url, init) => {
      if (url.endsWith('/pay')) await fetch(url, init);
      throw new TypeError('the network is gone');
    };
    fireEvent.click(button());
    await becomes('complete succeeded');
    expect(waits).toEqual([1000, 2000]);
    expect(PAY.map(shop.count)).toEqual([1, 1, 1]);
  });

  it('is told that nothing was paid says why, and pays when it is asked again', async () => {
    const shop = await openShop();
    show(shop);
    await ready();
    shop.network.through = (fetch) => (url, init) => {
      if (url.endsWith('/pay')) throw new TypeError('the network is gone');
      return fetch(url, init);
    };
    fireEvent.click(button());
    await waitFor(() =>
      expect(screen.getByRole('alert').textContent).toBe('The shop cannot be reached.'),
    );
    expect(state()).toBe('open idle');
    shop.network.through = (fetch) => fetch;
    await ready();
    fireEvent.click(button());
    await becomes('complete succeeded');
  });

  it('finds a payment under way follows it, and offers no second one', async () => {
    const shop = await openShop();
    let isUnderWay = true;
    shop.network.through = (fetch) => async (url, init) => {
      const said = JSON.parse(await (await fetch(url, init)).text());
      if (isUnderWay) {
        Object.assign(said.data.session, { status: 'processing' });
        said.data.session.payment.status = 'pending';
      }
      return new Response(JSON.stringify(said), { status: 200 });
    };
    const { seen } = show(shop, {
      async wait() {
        await becomes('processing pending');
        expect(button().disabled).toBe(true);
        isUnderWay = false;
      },
    });
    await becomes('open idle');
    expect(shop.count('GET /current')).toBe(2);
    expect(seen.checkout.isLoading).toBe(false);
  });

  it('finds the network lost tries again until it is there', async () => {
    const shop = await openShop();
    shop.network.through = () => () => Promise.reject(new TypeError('the network is gone'));
    const { seen } = show(shop, {
      async wait() {
        await waitFor(() => expect(seen.checkout.error?.code).toBe('network'));
        expect(seen.checkout.isLoading).toBe(true);
        shop.network.through = (fetch) => fetch;
      },
    });
    await becomes('open idle');
    expect(seen.checkout).toMatchObject({ error: null, isLoading: false });
  });

  it('is at a shop that knows no sessions stops asking', async () => {
    const shop = await openShop();
    shop.network.through = (fetch) => (_, init) => fetch('/api/elsewhere', init);
    const { seen } = show(shop);
    await waitFor(() => expect(seen.checkout.error?.code).toBe('route.notFound'));
    await waitFor(() => expect(seen.checkout.isLoading).toBe(false));
    expect(shop.calls).toEqual(['GET /current']);
  });

  it('finds a payment that a person looks at says so, and pays nothing more', async () => {
    const shop = await openShop();
    const paymentError = 'Your money is safe. We look into it.';
    shop.network.through = (fetch) => async (url, init) => {
      const said = JSON.parse(await (await fetch(url, init)).text());
      const whole = { ...said, paymentError, reconciliationPending: true };
      return new Response(JSON.stringify(whole), { status: 200 });
    };
    const { seen } = show(shop);
    await becomes(`open idle ${paymentError}`);
    expect(button().disabled).toBe(true);
    const outcome = await act(() => seen.checkout.placeOrder({ confirmation_token: 'x' }));
    expect(outcome).toMatchObject({ paymentError, reconciliationPending: true });
    expect(shop.count('POST /current/pay')).toBe(0);
  });

  it('has no session opens one, in StrictMode too', async () => {
    const { calls } = await openPage({ withSession: false });
    expect(calls.slice(0, 2)).toEqual(['GET /current', 'POST ']);
    expect(calls.filter((call) => call.startsWith('POST'))).toHaveLength(1);
  });

  it('has an empty cart says so', async () => {
    const shop = await openShop({ withSession: false });
    await shop.till.cart.clear();
    const { seen } = show(shop);
    await waitFor(() => expect(seen.checkout.error?.code).toBe('VALIDATION_ERROR'));
    expect(button().disabled).toBe(true);
  });
});

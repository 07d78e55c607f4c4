import {
  type ComponentRegistration,
  DataCtxReader,
  type GlobalContextRegistration,
  PlasmicCanvasContext,
} from '@plasmicapp/host';
import { act, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { registerCheckout } from '@till/react/plasmic';
import { type ComponentType, createRef, type ReactNode, StrictMode } from 'react';
import { renderToString } from 'react-dom/server';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { openShop } from './shop.js';

// What the projects of designers have stored. Nothing may be taken from this list.
const STORED = [
  {
    name: 'plasmic-commerce-ep-checkout-session-provider',
    props: ['children', 'apiBaseUrl', 'previewState', 'autoCreate'],
    choices: { previewState: ['auto', 'collecting', 'paying', 'complete'] },
    refActions: [
      'createSession',
      'updateSession',
      'calculateShipping',
      'placeOrder',
      'confirmPayment',
      'resumePayment',
      'reset',
    ],
  },
  {
    name: 'plasmic-commerce-ep-stripe-payment',
    props: [
      'children',
      'publishableKey',
      'stripeAccount',
      'appearance',
      'layout',
      'previewState',
      'apiBaseUrl',
    ],
    choices: {
      layout: ['tabs', 'accordion'],
      previewState: ['auto', 'ready', 'processing', 'error'],
    },
    refActions: ['submitPayment'],
  },
  {
    name: 'plasmic-commerce-ep-checkout-shipping-rates',
    props: [],
    choices: {},
    refActions: ['selectRate'],
  },
];
const STORED_CONTEXT = {
  name: 'plasmic-commerce-ep-stripe-provider',
  props: ['publishableKey', 'stripeAccount'],
};

interface Registries {
  __PlasmicComponentRegistry: ComponentRegistration[];
  __PlasmicContextRegistry: GlobalContextRegistration[];
}
const registries = globalThis as unknown as Registries;

/** A component as Plasmic finds it: by its name. */
function registered(name: string) {
  const found = registries.__PlasmicComponentRegistry.find(({ meta }) => meta.name === name);
  if (!found) throw new Error(`nobody has registered ${name}`);
  return found;
}

// biome-ignore lint/suspicious/noExplicitAny: Plasmic gives props that no compiler has seen.
type Component = ComponentType<any>;
const component = (name: string): Component => registered(name).component;

/** The global context that the project's settings are given to. */
const context = (): Component => registries.__PlasmicContextRegistry[0]?.component as Component;

/** What an interaction calls: `$refs.<name>.<action>()`. */
type Actions = Record<string, (...given: unknown[]) => Promise<unknown>>;

/** A page as Plasmic renders it, with the data that its texts are bound to. */
function Page({ publishableKey, session, solve, children, ...form }: Record<string, unknown>) {
  const StripeProvider = context();
  const Session = component('plasmic-commerce-ep-checkout-session-provider');
  const Payment = component('plasmic-commerce-ep-stripe-payment');
  const Rates = component('plasmic-commerce-ep-checkout-shipping-rates');
  return (
    <StripeProvider publishableKey={publishableKey}>
      <Session ref={session} apiBaseUrl="/api" solve={solve}>
        {children as ReactNode}
        <Rates>
          <DataCtxReader>
            {($ctx) => (
              <li>{`${$ctx?.currentCheckoutShippingRateIndex} ${$ctx?.currentCheckoutShippingRate.name}`}</li>
            )}
          </DataCtxReader>
        </Rates>
        <Payment {...form}>
          <DataCtxReader>
            {($ctx) => <output>{JSON.stringify($ctx?.stripePaymentData)}</output>}
          </DataCtxReader>
        </Payment>
        <DataCtxReader>
          {($ctx) => <p data-testid="status">{$ctx?.checkoutSession.session?.status}</p>}
        </DataCtxReader>
      </Session>
    </StripeProvider>
  );
}

const data = () => JSON.parse(screen.getByRole('status').textContent ?? '');
const status = () => screen.getByTestId('status').textContent;

beforeAll(() => registerCheckout());

describe('what is registered', () => {
  it('has every name that a project may have stored', () => {
    for (const { name, props, choices, refActions } of STORED) {
      const { meta } = registered(name);
      expect(Object.keys(meta.props)).toEqual(expect.arrayContaining(props));
      expect(Object.keys(meta.refActions ?? {})).toEqual(refActions);
      for (const [prop, options] of Object.entries(choices)) {
        expect(meta.props[prop]).toMatchObject({ type: 'choice', options });
      }
    }
    const [found] = registries.__PlasmicContextRegistry;
    expect(found?.meta.name).toBe(STORED_CONTEXT.name);
    expect(Object.keys(found?.meta.props ?? {})).toEqual(STORED_CONTEXT.props);
  });

  it('can be imported by the name that generated code imports', async () => {
    const all: Record<string, unknown> = await import('@till/react/plasmic');
    const components = registries.__PlasmicComponentRegistry;
    for (const { component, meta } of [...components, ...registries.__PlasmicContextRegistry]) {
      expect(meta.importPath).toBe('@till/react/plasmic');
      expect(all[meta.importName ?? '']).toBe(component);
    }
  });

  it('is given to the loader where there is one', () => {
    const loader = { registerComponent: vi.fn(), registerGlobalContext: vi.fn() };
    registerCheckout(loader);
    const names = loader.registerComponent.mock.calls.map(([, { name }]) => name);
    expect(names).toEqual(STORED.map(({ name }) => name).sort(byRegistration));
    expect(loader.registerGlobalContext).toHaveBeenCalledOnce();
  });
});

const order = () => registries.__PlasmicComponentRegistry.map(({ meta }) => meta.name);
const byRegistration = (one: string, other: string) =>
  order().indexOf(one) - order().indexOf(other);

describe('a page made in Studio', () => {
  it('pays by an interaction that calls placeOrder, with the project’s key', async () => {
    const shop = await openShop();
    const session = createRef<Actions>();
    render(
      <StrictMode>
        <Page publishableKey={shop.key} session={session} />
      </StrictMode>,
    );
    await waitFor(() => expect(data()).toMatchObject({ isReady: true, isProcessing: false }));
    expect(screen.getAllByRole('listitem').map((item) => item.textContent)).toEqual(['0 Standard']);
    shop.calls.length = 0;
    // The click itself is what a careless interaction hands over.
    await act(() => session.current?.placeOrder?.({ type: 'click' }));
    expect(shop.calls).toEqual(['elements.submit', 'createConfirmationToken', 'POST /current/pay']);
    expect(status()).toBe('complete');
    await act(async () => session.current?.reset?.());
    expect(status()).toBe('');
  });

  it('pays by a button in the form, and prefers the form’s own key and account', async () => {
    const shop = await openShop();
    const Payment = component('plasmic-commerce-ep-stripe-payment');
    const actions = createRef<Actions>();
    render(
      <Payment ref={actions} publishableKey={shop.key} stripeAccount="acct_1" layout="accordion" />,
    );
    const pay = () => screen.getByRole('button') as HTMLButtonElement;
    await waitFor(() => expect(pay().disabled).toBe(false));
    fireEvent.click(pay());
    expect(pay().disabled).toBe(true);
    await act(() => actions.current?.submitPayment?.());
    await waitFor(() => expect(pay().form?.getAttribute('aria-busy')).toBe('false'));
    expect(shop.count('POST /current/pay')).toBe(1);
    expect(shop.calls).toContain('Stripe({"stripeAccount":"acct_1"})');
  });

  it('fills in a session by its actions', async () => {
    const shop = await openShop({ isFilledIn: false });
    const session = createRef<Actions>();
    const rates = createRef<Actions>();
    const Rates = component('plasmic-commerce-ep-checkout-shipping-rates');
    render(
      <Page publishableKey={shop.key} session={session}>
        <Rates ref={rates} />
      </Page>,
    );
    await waitFor(() => expect(status()).toBe('open'));
    const missing = await act(() => session.current?.placeOrder?.({ confirmation_token: 'x' }));
    expect(missing).toMatchObject({ success: false, error: { code: 'MISSING_FIELDS' } });
    const address = {
      firstName: 'Ada',
      lastName: 'B',
      line1: 'Weg 1',
      country: 'DE',
      postcode: '10115',
    };
    const customerInfo = { name: 'Ada B', email: 'ada@example.org' };
    const typed = { customerInfo, shippingAddress: address, billingAddress: address };
    // Nobody waits for what was said before: it is done in order.
    await act(() =>
      Promise.all([
        session.current?.updateSession?.(typed),
        session.current?.calculateShipping?.(),
        rates.current?.selectRate?.('standard'),
      ]),
    );
    await waitFor(() => expect(data().isReady).toBe(true));
    const paid = await act(() => session.current?.placeOrder?.());
    expect(paid).toMatchObject({ success: true, data: { session: { status: 'complete' } } });
    const again = await act(() => session.current?.confirmPayment?.());
    expect(again).toMatchObject({ data: { session: { status: 'complete' } } });
    await shop.till.cart.add(
      await shop.till.products.list().then((all) => (all.ok && all.value.items[0]?.id) || ''),
    );
    const sent: unknown[] = [];
    shop.network.through = (fetch) => (url, init) => {
      sent.push(init.body);
      return fetch(url, init);
    };
    expect(await act(() => session.current?.createSession?.({ type: 'click' }))).toMatchObject({
      success: true,
    });
    expect(sent).toEqual(['{}']);
    expect(status()).toBe('open');
  });

  it('solves what the shop asks for with what code has given the session', async () => {
    const shop = await openShop();
    const session = createRef<Actions>();
    const solution = { kind: 'turnstile', token: 'a person' };
    const solve = vi.fn(async () => solution);
    const sent: unknown[] = [];
    const challenge = { kind: 'turnstile', siteKey: 'of the shop' };
    shop.network.through = (fetch) => async (url, init) => {
      if (!url.endsWith('/pay')) return fetch(url, init);
      const { challenge: solved, ...means } = JSON.parse(String(init.body));
      sent.push(solved);
      if (solved) return fetch(url, { ...init, body: JSON.stringify(means) });
      const error = { code: 'CHALLENGE_REQUIRED', message: 'Not now.', challenge };
      return new Response(JSON.stringify({ success: false, error }), { status: 403 });
    };
    render(<Page publishableKey={shop.key} session={session} solve={solve} />);
    await waitFor(() => expect(data()).toMatchObject({ isReady: true, isProcessing: false }));
    await act(() => session.current?.placeOrder?.());
    expect(status()).toBe('complete');
    expect(solve.mock.calls).toEqual([[challenge]]);
    expect(sent).toEqual([undefined, solution]);
  });

  it('says that no form is there to ask for a token', async () => {
    await openShop();
    const session = createRef<Actions>();
    render(<Page session={session} />);
    await waitFor(() => expect(status()).toBe('open'));
    expect(data().isReady).toBe(false);
    const outcome = await act(() => session.current?.placeOrder?.());
    expect(outcome).toMatchObject({ success: false, error: { code: 'NO_GATEWAY' } });
  });

  it('is rendered on a server without asking anybody', () => {
    vi.stubGlobal('fetch', forbidden);
    expect(renderToString(<Page publishableKey="pk_test_server" />)).toContain('<form');
  });
});

const forbidden = () => {
  throw new Error('the canvas asks nobody');
};

describe('Studio’s canvas', () => {
  it.for(['auto', 'ready', 'processing', 'error'])(
    'shows an example of %s, and asks nobody',
    async (previewState) => {
      vi.stubGlobal('fetch', vi.fn(forbidden));
      const stripe = vi.fn(forbidden);
      vi.stubGlobal('Stripe', stripe);
      const canvas = { componentName: 'Checkout', globalVariants: {} };
      render(
        <PlasmicCanvasContext.Provider value={canvas}>
          <Page publishableKey="pk_test_canvas" previewState={previewState} />
        </PlasmicCanvasContext.Provider>,
      );
      await act(async () => undefined);
      expect(screen.getByLabelText('Card number')).toBeTruthy();
      expect(screen.getAllByRole('listitem')).toHaveLength(2);
      expect(status()).toBe('open');
      expect(data()).toEqual({
        isReady: true,
        isProcessing: previewState === 'processing',
        error: previewState === 'error' ? 'Your card was declined.' : null,
      });
      expect([stripe.mock.calls, vi.mocked(fetch).mock.calls]).toEqual([[], []]);
    },
  );

  it('shows an order that is complete', () => {
    const Session = component('plasmic-commerce-ep-checkout-session-provider');
    const canvas = { componentName: 'Checkout', globalVariants: {} };
    render(
      <PlasmicCanvasContext.Provider value={canvas}>
        <Session previewState="complete">
          <DataCtxReader>{($ctx) => <p>{$ctx?.checkoutSession.session.order.id}</p>}</DataCtxReader>
        </Session>
      </PlasmicCanvasContext.Provider>,
    );
    expect(screen.getByText('example-order')).toBeTruthy();
  });
});

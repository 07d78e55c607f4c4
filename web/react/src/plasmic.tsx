'use client';
// The components as Plasmic Studio knows them. Their names, and those of their props and actions, are
// kept in the projects of designers: nothing here is ever renamed or taken away. In Studio's canvas
// they show examples, and ask nobody.

import {
  type CodeComponentMeta,
  DataProvider,
  type GlobalContextMeta,
  registerComponent,
  registerGlobalContext,
  useDataEnv,
  usePlasmicCanvasContext,
} from '@plasmicapp/host';
import type { Appearance } from '@stripe/stripe-js';
import type { CheckoutSession, SessionChanges } from '@till/client';
import {
  type ComponentType,
  forwardRef,
  type ReactNode,
  type Ref,
  useImperativeHandle,
  useMemo,
} from 'react';
import type { Checkout, CheckoutOptions, CheckoutState, Confirmed, Outcome } from './checkout.js';
import { EXAMPLE_SESSION } from './example.js';
import { CheckoutProvider, useCheckoutAround, useNearestCheckout, useStateOf } from './provider.js';
import { StripePayment, type StripePaymentState } from './stripe.js';

// --- StripeProvider -----------------------------------------------------------------------------

/** What the project's settings say. */
export interface StripeProviderProps {
  publishableKey?: string;
  stripeAccount?: string;
  children?: ReactNode;
}

/** Publishes `$ctx.stripe`. */
export function StripeProvider({ publishableKey, stripeAccount, children }: StripeProviderProps) {
  const data = useMemo(
    () => ({ publishableKey: publishableKey || null, stripeAccount: stripeAccount || null }),
    [publishableKey, stripeAccount],
  );
  return (
    <DataProvider name="stripe" data={data} label="Stripe">
      {children}
    </DataProvider>
  );
}

const STRIPE_PROVIDER: GlobalContextMeta<StripeProviderProps> = {
  name: 'plasmic-commerce-ep-stripe-provider',
  displayName: 'Stripe Provider',
  description: 'The shop’s Stripe account, for every payment form of the project.',
  importPath: '@till/react/plasmic',
  importName: 'StripeProvider',
  providesData: true,
  props: {
    publishableKey: { type: 'string', description: 'Begins with pk_.' },
    stripeAccount: {
      type: 'string',
      advanced: true,
      description: 'The connected account that is paid, where the key is a platform’s.',
    },
  },
};

// --- EPCheckoutSessionProvider ------------------------------------------------------------------

/** What a designer sets, and `solve`, which is code's: an override of the element. */
export interface SessionProviderProps extends Pick<CheckoutOptions, 'solve'> {
  children?: ReactNode;
  apiBaseUrl?: string;
  previewState?: 'auto' | 'collecting' | 'paying' | 'complete';
  autoCreate?: boolean;
}

/** What interactions can do with `$refs`. */
export interface SessionActions {
  createSession(cartId?: string): Promise<Outcome>;
  updateSession(data: SessionChanges): Promise<Outcome>;
  calculateShipping(): Promise<Outcome>;
  placeOrder(confirmed?: Partial<Confirmed>): Promise<Outcome>;
  confirmPayment(confirmData?: object): Promise<Outcome>;
  resumePayment(resumeData?: object): Promise<Outcome>;
  reset(): void;
}

/** Publishes `$ctx.checkoutSession`. */
export const EPCheckoutSessionProvider = forwardRef(function EPCheckoutSessionProvider(
  { children, apiBaseUrl = '/api', previewState = 'auto', ...options }: SessionProviderProps,
  ref: Ref<SessionActions>,
) {
  if (usePlasmicCanvasContext()) {
    return <ExampleSession previewState={previewState}>{children}</ExampleSession>;
  }
  return (
    <CheckoutProvider key={apiBaseUrl} apiBaseUrl={apiBaseUrl} {...options}>
      <PublishedSession actions={ref}>{children}</PublishedSession>
    </CheckoutProvider>
  );
});

function PublishedSession(props: { actions: Ref<SessionActions>; children: ReactNode }) {
  const { actions, children } = props;
  const checkout = useCheckoutAround();
  const state = useStateOf(checkout);
  useImperativeHandle(
    actions,
    () => ({
      createSession: checkout.createSession,
      updateSession: checkout.updateSession,
      calculateShipping: checkout.calculateShipping,
      placeOrder: checkout.placeOrder,
      confirmPayment: () => checkout.resumePayment(),
      resumePayment: () => checkout.resumePayment(),
      reset: checkout.reset,
    }),
    [checkout],
  );
  return <SessionData state={state}>{children}</SessionData>;
}

function SessionData({ state, children }: { state: CheckoutState; children: ReactNode }) {
  return (
    <DataProvider name="checkoutSession" data={state} label="Checkout session">
      {children}
    </DataProvider>
  );
}

function ExampleSession({ previewState, children }: SessionProviderProps) {
  const state = { ...EXAMPLE_STATE, isPaying: previewState === 'paying' };
  if (previewState === 'complete') {
    const payment = { ...EXAMPLE_SESSION.payment, gateway: 'stripe', status: 'succeeded' as const };
    const order = { id: 'example-order' };
    state.session = { ...EXAMPLE_SESSION, status: 'complete', payment, order };
  }
  return <SessionData state={state}>{children}</SessionData>;
}

const EXAMPLE_STATE: CheckoutState = {
  session: EXAMPLE_SESSION,
  isLoading: false,
  isPaying: false,
  error: null,
  paymentError: null,
  reconciliationPending: false,
};

const SESSION_PROVIDER: CodeComponentMeta<SessionProviderProps> = {
  name: 'plasmic-commerce-ep-checkout-session-provider',
  displayName: 'EP Checkout Session Provider',
  description: 'The checkout that the server keeps, for everything inside.',
  importPath: '@till/react/plasmic',
  importName: 'EPCheckoutSessionProvider',
  providesData: true,
  styleSections: false,
  props: {
    children: { type: 'slot' },
    apiBaseUrl: { type: 'string', defaultValue: '/api', advanced: true },
    previewState: {
      type: 'choice',
      options: ['auto', 'collecting', 'paying', 'complete'],
      defaultValue: 'auto',
      advanced: true,
      description: 'What the canvas shows.',
    },
    autoCreate: {
      type: 'boolean',
      defaultValue: true,
      description: 'Opens a session where there is none.',
    },
  },
  refActions: {
    createSession: {
      description: 'Opens a session on the visitor’s cart.',
      argTypes: [{ name: 'cartId', type: 'string' }],
    },
    updateSession: {
      description: 'Says who buys and where it goes.',
      argTypes: [{ name: 'data', type: 'object' }],
    },
    calculateShipping: { description: 'Fills in how it can be sent.', argTypes: [] },
    placeOrder: {
      description: 'Pays, once. Without a confirmation token the payment form is asked for one.',
      argTypes: [{ name: 'confirmation', type: 'object' }],
    },
    confirmPayment: {
      description: 'The older name of resumePayment.',
      argTypes: [{ name: 'confirmData', type: 'object' }],
    },
    resumePayment: {
      description: 'Goes on with a payment that waits for the shopper’s bank.',
      argTypes: [{ name: 'resumeData', type: 'object' }],
    },
    reset: { description: 'Forgets what is shown.', argTypes: [] },
  },
};

// --- EPStripePayment ----------------------------------------------------------------------------

/** What a designer sets. */
export interface EPStripePaymentProps {
  children?: ReactNode;
  className?: string;
  publishableKey?: string;
  stripeAccount?: string;
  appearance?: Appearance;
  layout?: 'tabs' | 'accordion';
  previewState?: 'auto' | 'ready' | 'processing' | 'error';
  apiBaseUrl?: string;
}

/** What interactions can do with `$refs`. */
export interface StripePaymentActions {
  submitPayment(): Promise<Outcome>;
}

/** Publishes `$ctx.stripePaymentData`. */
export const EPStripePayment = forwardRef(function EPStripePayment(
  props: EPStripePaymentProps,
  ref: Ref<StripePaymentActions>,
) {
  const checkout = useNearestCheckout();
  const isCanvas = usePlasmicCanvasContext();
  if (isCanvas) return <ExampleForm {...props} />;
  if (checkout) return <RealForm {...props} actions={ref} />;
  return (
    <CheckoutProvider apiBaseUrl={props.apiBaseUrl ?? '/api'}>
      <RealForm {...props} actions={ref} />
    </CheckoutProvider>
  );
});

function RealForm({
  children,
  actions,
  ...props
}: EPStripePaymentProps & { actions: Ref<StripePaymentActions> }) {
  const checkout = useCheckoutAround();
  const { publishableKey, stripeAccount } = useDataEnv()?.stripe ?? {};
  useImperativeHandle(actions, () => ({ submitPayment: () => checkout.placeOrder() }), [checkout]);
  return (
    <StripePayment
      className={props.className}
      appearance={props.appearance}
      layout={props.layout}
      publishableKey={props.publishableKey || publishableKey || undefined}
      stripeAccount={props.stripeAccount || stripeAccount || undefined}
    >
      {children ? (data) => <PaymentData data={data}>{children}</PaymentData> : undefined}
    </StripePayment>
  );
}

function PaymentData({ data, children }: { data: StripePaymentState; children: ReactNode }) {
  return (
    <DataProvider name="stripePaymentData" data={data} label="Stripe payment">
      {children}
    </DataProvider>
  );
}

/** Looks like Stripe's form, and is none. */
function ExampleForm({ className, children, previewState = 'auto' }: EPStripePaymentProps) {
  const data: StripePaymentState = {
    isReady: true,
    isProcessing: previewState === 'processing',
    error: previewState === 'error' ? 'Your card was declined.' : null,
  };
  return (
    <div className={className}>
      {['Card number', 'Expiry', 'CVC', 'Name', 'Address'].map((label) => (
        <label key={label} style={{ display: 'block', marginBottom: 8 }}>
          {label} <input disabled />
        </label>
      ))}
      <PaymentData data={data}>{children}</PaymentData>
    </div>
  );
}

const STRIPE_PAYMENT: CodeComponentMeta<EPStripePaymentProps> = {
  name: 'plasmic-commerce-ep-stripe-payment',
  displayName: 'EP Stripe Payment',
  description: 'Stripe’s form for card and address. A button of the type submit in it pays.',
  importPath: '@till/react/plasmic',
  importName: 'EPStripePayment',
  providesData: true,
  props: {
    children: { type: 'slot' },
    publishableKey: { type: 'string', description: 'Instead of the Stripe Provider’s.' },
    stripeAccount: { type: 'string', advanced: true },
    appearance: { type: 'object', description: 'https://docs.stripe.com/elements/appearance-api' },
    layout: { type: 'choice', options: ['tabs', 'accordion'], defaultValue: 'tabs' },
    previewState: {
      type: 'choice',
      options: ['auto', 'ready', 'processing', 'error'],
      defaultValue: 'auto',
      advanced: true,
      description: 'What the canvas shows.',
    },
    apiBaseUrl: {
      type: 'string',
      defaultValue: '/api',
      advanced: true,
      description: 'Counts where there is no session provider around it.',
    },
  },
  refActions: {
    submitPayment: { description: 'The older name of the session’s placeOrder.', argTypes: [] },
  },
};

// --- EPCheckoutShippingRates --------------------------------------------------------------------

/** What a designer sets. */
export interface ShippingRatesProps {
  children?: ReactNode;
  className?: string;
}

/** What interactions can do with `$refs`. */
export interface ShippingRatesActions {
  selectRate(rateId: string): Promise<Outcome>;
}

/** Repeats what is inside for each way of sending, as `$ctx.currentCheckoutShippingRate`. */
export const EPCheckoutShippingRates = forwardRef(function EPCheckoutShippingRates(
  props: ShippingRatesProps,
  ref: Ref<ShippingRatesActions>,
) {
  const checkout = useNearestCheckout();
  const isCanvas = usePlasmicCanvasContext();
  if (isCanvas || !checkout)
    return <Rates {...props} session={isCanvas ? EXAMPLE_SESSION : null} />;
  return <OfferedRates {...props} checkout={checkout} actions={ref} />;
});

function OfferedRates({
  checkout,
  actions,
  ...props
}: ShippingRatesProps & { checkout: Checkout; actions: Ref<ShippingRatesActions> }) {
  const { session } = useStateOf(checkout);
  useImperativeHandle(
    actions,
    () => ({ selectRate: (rateId) => checkout.updateSession({ selectedShippingRateId: rateId }) }),
    [checkout],
  );
  return <Rates {...props} session={session} />;
}

function Rates({
  children,
  className,
  session,
}: ShippingRatesProps & { session: CheckoutSession | null }) {
  const { availableShippingRates = [], selectedShippingRateId } = session ?? {};
  return (
    <div className={className}>
      {availableShippingRates.map((rate, index) => (
        <DataProvider
          key={rate.id}
          name="currentCheckoutShippingRate"
          data={{ ...rate, isSelected: rate.id === selectedShippingRateId }}
        >
          <DataProvider name="currentCheckoutShippingRateIndex" data={index}>
            {children}
          </DataProvider>
        </DataProvider>
      ))}
    </div>
  );
}

const SHIPPING_RATES: CodeComponentMeta<ShippingRatesProps> = {
  name: 'plasmic-commerce-ep-checkout-shipping-rates',
  displayName: 'EP Checkout Shipping Rates',
  description: 'Repeats what is inside for each way of sending.',
  importPath: '@till/react/plasmic',
  importName: 'EPCheckoutShippingRates',
  providesData: true,
  props: { children: { type: 'slot' } },
  refActions: {
    selectRate: {
      description: 'The shopper chooses.',
      argTypes: [{ name: 'rateId', type: 'string' }],
    },
  },
};

// --- registerCheckout ---------------------------------------------------------------------------

/** As much of Plasmic's loader as is needed. */
export interface PlasmicLoader {
  registerComponent<Props>(component: ComponentType<Props>, meta: CodeComponentMeta<Props>): void;
  registerGlobalContext<Props>(context: ComponentType<Props>, meta: GlobalContextMeta<Props>): void;
}

/** Makes the components known to Studio: to this loader, or with generated code to all of it. */
export function registerCheckout(loader?: PlasmicLoader): void {
  const to: PlasmicLoader = loader ?? { registerComponent, registerGlobalContext };
  to.registerGlobalContext(StripeProvider, STRIPE_PROVIDER);
  to.registerComponent(EPCheckoutSessionProvider, SESSION_PROVIDER);
  to.registerComponent(EPStripePayment, STRIPE_PAYMENT);
  to.registerComponent(EPCheckoutShippingRates, SHIPPING_RATES);
}

'use client';
// Stripe's form. What is typed into it goes from Stripe's own frames to Stripe; the shop gets a token.

import {
  AddressElement,
  Elements,
  PaymentElement,
  useElements,
  useStripe,
} from '@stripe/react-stripe-js';
import type { Appearance, Stripe, StripeElementsOptions } from '@stripe/stripe-js';
import { loadStripe } from '@stripe/stripe-js/pure/index.mjs';
import { type CheckoutSession, formatMinor, type SessionAddress } from '@till/client';
import { type FormEvent, type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { addressDefaults, isSaved, sessionAddress, type TypedAddress } from './address.js';
import { stripeAmount } from './amount.js';
import { type Checkout, type Confirmed, type Gateway, isUnderWay } from './checkout.js';
import { useCheckoutAround, useStateOf } from './provider.js';

/** How the payment form stands. */
export interface StripePaymentState {
  /** The shopper can type and pay. */
  isReady: boolean;
  isProcessing: boolean;
  /** A sentence for the shopper. */
  error: string | null;
  /** There is nothing to pay, and no form. */
  free?: true;
}

/** What the form takes. */
export interface StripePaymentProps {
  publishableKey?: string | undefined;
  /** The connected account that is paid, where the key is a platform's. */
  stripeAccount?: string | undefined;
  appearance?: Appearance | undefined;
  layout?: 'tabs' | 'accordion' | undefined;
  className?: string | undefined;
  /** What is below the form, with a button of the type `submit`; a plain one unless given. */
  children?: ReactNode | ((payment: StripePaymentState) => ReactNode);
}

/** Stripe's Payment and Address Element for the session around it. */
export function StripePayment(props: StripePaymentProps) {
  const checkout = useCheckoutAround();
  const { session } = useStateOf(checkout);
  const { total, currency } = session?.totals ?? {};
  if (!session || !total || !currency) {
    const isFree = session !== null && total === 0;
    const form = isFree ? ({ isReady: true, free: true } as const) : { isReady: false };
    return <Frame {...props} checkout={checkout} form={form} />;
  }
  return <Payable {...props} checkout={checkout} session={session} />;
}

type PayableProps = StripePaymentProps & { checkout: Checkout; session: CheckoutSession };

function Payable({ checkout, session, ...props }: PayableProps) {
  const { publishableKey, stripeAccount, appearance } = props;
  const { stripe, error } = useStripeOf(publishableKey, stripeAccount);
  const { total = 0, currency = '' } = session.totals ?? {};
  const options = useMemo<StripeElementsOptions>(
    () => ({
      mode: 'payment',
      amount: stripeAmount(total, currency),
      currency: currency.toLowerCase(),
      loader: 'auto',
      ...(appearance && { appearance }),
    }),
    [total, currency, appearance],
  );
  return (
    <Elements stripe={stripe} options={options}>
      <Form {...props} checkout={checkout} session={session} loadError={error} />
    </Elements>
  );
}

function Form({
  checkout,
  session,
  loadError,
  ...props
}: PayableProps & { loadError: string | null }) {
  const stripe = useStripe();
  const elements = useElements();
  const typed = useRef<TypedAddress | null>(null);
  const [isReady, setReady] = useState(false);
  const [defaultValues] = useState(() =>
    addressDefaults(session.billingAddress ?? session.shippingAddress),
  );

  useEffect(() => {
    if (!stripe || !elements) return undefined;
    const gateway: Gateway = {
      async confirm() {
        const { error: incomplete } = await elements.submit();
        if (incomplete) return said(incomplete);
        const refused = await saveAddress(checkout, typed.current);
        if (refused) return refused;
        const { confirmationToken, error } = await stripe.createConfirmationToken({ elements });
        if (error) return said(error);
        return { confirmation_token: confirmationToken.id } satisfies Confirmed;
      },
      completeRequiresAction: (clientSecret) => stripe.handleNextAction({ clientSecret }),
    };
    return checkout.registerGateway(gateway);
  }, [checkout, stripe, elements]);

  const fields = (
    <>
      <PaymentElement options={{ layout: props.layout ?? 'tabs' }} onReady={() => setReady(true)} />
      <AddressElement
        options={{ mode: 'billing', display: { name: 'split' }, defaultValues }}
        onChange={({ complete, value }) => {
          typed.current = complete ? value : null;
        }}
      />
    </>
  );
  return (
    <Frame {...props} checkout={checkout} form={{ isReady, error: loadError }} fields={fields} />
  );
}

interface FrameProps extends Pick<StripePaymentProps, 'className' | 'children'> {
  checkout: Checkout;
  form: { isReady: boolean; free?: true; error?: string | null };
  fields?: ReactNode;
}

/** The form around Stripe's fields, and what the shop has below them. */
function Frame({ checkout, form, fields, className, children }: FrameProps) {
  const { session, isPaying, error, paymentError, reconciliationPending } = useStateOf(checkout);
  const isOpen = session?.status === 'open' && !isUnderWay(session);
  const payment: StripePaymentState = {
    isReady: form.isReady && isOpen && !reconciliationPending,
    isProcessing: isPaying || (session !== null && isUnderWay(session)),
    error: form.error ?? paymentError ?? error?.message ?? null,
    ...(form.free && { free: true }),
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    // It may stand in a form of the shop's own.
    event.stopPropagation();
    if (payment.isReady) checkout.placeOrder();
  };
  const below = typeof children === 'function' ? children(payment) : children;
  return (
    <form className={className} onSubmit={submit} aria-busy={payment.isProcessing} noValidate>
      {fields}
      {below ?? <PayButton session={session} payment={payment} />}
    </form>
  );
}

function PayButton(props: { session: CheckoutSession | null; payment: StripePaymentState }) {
  const { isReady, isProcessing, error } = props.payment;
  const totals = props.session?.totals;
  return (
    <>
      <p role="alert">{error}</p>
      <button type="submit" disabled={!isReady || isProcessing}>
        Pay {totals && formatMinor(totals.total, totals.currency)}
      </button>
    </>
  );
}

/** What was typed is in the session before it is paid; with another total the shopper looks first. */
async function saveAddress(checkout: Checkout, typed: TypedAddress | null) {
  const { session } = checkout.state();
  if (!typed || !session) return undefined;
  const address: SessionAddress = sessionAddress(typed, session.billingAddress);
  if (isSaved(address, session.billingAddress)) return undefined;
  const { error, data } = await checkout.updateSession({ billingAddress: address });
  if (error) return { error };
  if (data.session?.totals?.total === session.totals?.total) return undefined;
  const message = 'The total is different for this address. Look at it, then pay.';
  return { error: { code: 'TOTAL_CHANGED', message } };
}

const said = ({ code, message }: { code?: string; message?: string }) => ({
  error: { code: code ?? 'STRIPE_ERROR', message: message ?? 'The payment form does not answer.' },
});

/** Stripe.js is loaded once for each key and account, however often a page comes and goes. */
const LOADED = new Map<string, Promise<Stripe | null>>();

function loaded(publishableKey: string, stripeAccount: string | undefined) {
  const name = `${publishableKey} ${stripeAccount ?? ''}`;
  const known = LOADED.get(name);
  if (known) return known;
  const loading = loadStripe(publishableKey, stripeAccount ? { stripeAccount } : undefined);
  LOADED.set(name, loading);
  // Whoever comes next tries again.
  loading.catch(() => LOADED.delete(name));
  return loading;
}

function useStripeOf(publishableKey: string | undefined, stripeAccount: string | undefined) {
  const [found, setFound] = useState<{ stripe: Stripe | null; error: string | null }>(NONE);
  useEffect(() => {
    let isCurrent = true;
    setFound(NONE);
    if (!publishableKey) return undefined;
    loaded(publishableKey, stripeAccount || undefined).then(
      (stripe) => isCurrent && setFound({ stripe, error: null }),
      () => isCurrent && setFound({ stripe: null, error: 'The payment form cannot be loaded.' }),
    );
    return () => {
      isCurrent = false;
    };
  }, [publishableKey, stripeAccount]);
  return found;
}

const NONE = { stripe: null, error: null };

'use client';
// The checkout as a designer makes it in Studio. This file stands where Plasmic puts the code of a page,
// and does what that code does: components come by their registered names, texts are bound to `$ctx`, and
// an interaction calls an action of one of `$refs`.

import { DataCtxReader } from '@plasmicapp/host';
import { type CheckoutSession, formatMinor, type SessionChanges } from '@till/client';
import type { CheckoutState, Outcome, StripePaymentState } from '@till/react';
import Link from 'next/link';
import { useRef, useState, useSyncExternalStore } from 'react';
import { GlobalContexts } from './GlobalContexts';
import { component } from './registry';

const SessionProvider = component('plasmic-commerce-ep-checkout-session-provider');
const ShippingRates = component('plasmic-commerce-ep-checkout-shipping-rates');
const StripePayment = component('plasmic-commerce-ep-stripe-payment');
const ContactForm = component('shop-contact-form');

/** An action of a component on the page, as Studio lists them for interactions. */
interface RefAction {
  tplRef: string;
  action: string;
  args?: unknown[];
}

type Refs = Record<string, Record<string, (...args: unknown[]) => Promise<Outcome>> | null>;
type Invoke = (called: RefAction) => Promise<Outcome> | undefined;

/** The page. */
export function CheckoutPage() {
  const refsRef = useRef<Refs>({});
  const $refs = refsRef.current;
  const invokeRefAction: Invoke = ({ tplRef, action, args }) =>
    $refs?.[tplRef]?.[action]?.(...(args ?? []));
  return (
    <GlobalContexts>
      <SessionProvider
        ref={(ref: Refs[string]) => {
          $refs.checkoutSession = ref;
        }}
      >
        <h1>Checkout</h1>
        <DataCtxReader>
          {($ctx) => (
            <Steps {...($ctx?.checkoutSession as CheckoutState)} invoke={invokeRefAction} />
          )}
        </DataCtxReader>
      </SessionProvider>
    </GlobalContexts>
  );
}

/** What is shown of the session, whatever state it is in. */
function Steps({ invoke, ...state }: CheckoutState & { invoke: Invoke }) {
  const { session, isLoading, error, paymentError, reconciliationPending } = state;
  const [isEditing, setEditing] = useState(false);
  if (!session) return <NoSession sentence={isLoading ? 'One moment …' : error?.message} />;
  if (session.status === 'complete') return <Complete orderId={session.order?.id ?? ''} />;
  if (reconciliationPending) return <Waiting sentence={paymentError ?? ''} />;
  if (session.status === 'processing' || session.payment.status === 'pending') {
    return <Waiting sentence="Your payment is under way. This page says when it has arrived." />;
  }
  const isContactMissing = !session.shippingAddress || isEditing;
  return (
    <div className="columns">
      {isContactMissing ? (
        <Contact session={session} invoke={invoke} setOpen={setEditing} error={error} />
      ) : (
        <Payment session={session} invoke={invoke} edit={() => setEditing(true)} />
      )}
      <Summary session={session} />
    </div>
  );
}

interface StepProps {
  session: CheckoutSession;
  invoke: Invoke;
}

function Contact({
  session,
  invoke,
  setOpen,
  error,
}: StepProps & { setOpen: (isOpen: boolean) => void; error: CheckoutState['error'] }) {
  const onSave = async (contact: SessionChanges) => {
    const $steps: Record<string, Outcome | undefined> = {};
    const session = { tplRef: 'checkoutSession' };
    // The payment comes with what it costs: the address alone does not say that yet.
    setOpen(true);
    $steps.updateSession = await invoke({ ...session, action: 'updateSession', args: [contact] });
    if (!$steps.updateSession?.success) return;
    $steps.calculateShipping = await invoke({ ...session, action: 'calculateShipping' });
    const [cheapest] = $steps.calculateShipping?.data.session?.availableShippingRates ?? [];
    if (cheapest) {
      const changes = { selectedShippingRateId: cheapest.id };
      $steps.selectRate = await invoke({ ...session, action: 'updateSession', args: [changes] });
    }
    setOpen(false);
  };
  return (
    <section>
      <h2>Where does it go?</h2>
      <p role="alert">{error?.message}</p>
      <ContactForm
        className="form"
        address={session.shippingAddress}
        email={session.customerInfo?.email}
        onSave={onSave}
      />
    </section>
  );
}

function Payment({ session, invoke, edit }: StepProps & { edit: () => void }) {
  const appearance = useAppearance();
  const ratesRef = useRef<Refs[string]>(null);
  const { shippingAddress: to } = session;
  return (
    <section>
      <h2>How is it sent?</h2>
      <p className="address">
        {`${to?.firstName} ${to?.lastName}, ${to?.line1}, ${to?.postcode} ${to?.city}`}{' '}
        <button type="button" className="link" onClick={edit}>
          Change<span className="hidden"> the address</span>
        </button>
      </p>
      <fieldset className="rates">
        <legend className="hidden">Shipping</legend>
        <ShippingRates ref={ratesRef}>
          <DataCtxReader>
            {($ctx) => (
              <Rate
                rate={$ctx?.currentCheckoutShippingRate}
                select={(id) => ratesRef.current?.selectRate?.(id)}
              />
            )}
          </DataCtxReader>
        </ShippingRates>
      </fieldset>
      <h2>How is it paid?</h2>
      <StripePayment className="payment" appearance={appearance}>
        <DataCtxReader>
          {($ctx) => (
            <Pay
              session={session}
              payment={$ctx?.stripePaymentData}
              pay={() => invoke({ tplRef: 'checkoutSession', action: 'placeOrder' })}
            />
          )}
        </DataCtxReader>
      </StripePayment>
    </section>
  );
}

type OfferedRate = CheckoutSession['availableShippingRates'][number] & { isSelected: boolean };

function Rate({ rate, select }: { rate: OfferedRate; select: (id: string) => void }) {
  const { id, name, deliveryTime, amount, currency, isSelected } = rate;
  return (
    <label className="rate">
      <input type="radio" name="rate" checked={isSelected} onChange={() => select(id)} />
      <span>
        {name} {deliveryTime && <small>{deliveryTime}</small>}
      </span>
      <span>{formatMinor(amount, currency)}</span>
    </label>
  );
}

function Pay({
  session,
  payment,
  pay,
}: {
  session: CheckoutSession;
  payment: StripePaymentState;
  pay: () => void;
}) {
  const isAsked = session.payment.status === 'requires_action';
  const { total = 0, currency = 'EUR' } = session.totals ?? {};
  return (
    <>
      <p role="alert">{payment.error}</p>
      <button
        type="button"
        onClick={pay}
        disabled={!payment.isReady || payment.isProcessing}
        aria-busy={payment.isProcessing}
      >
        {isAsked ? 'Go on at your bank' : `Pay ${formatMinor(total, currency)}`}
      </button>
    </>
  );
}

function Summary({ session: { totals } }: { session: CheckoutSession }) {
  if (!totals) return null;
  const { subtotal, shipping, tax, total, currency } = totals;
  const rows = { Goods: subtotal, Shipping: shipping, Total: total };
  return (
    <aside aria-label="Summary">
      <h2>What it costs</h2>
      <dl className="totals">
        {Object.entries(rows).map(([name, amount]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{formatMinor(amount, currency)}</dd>
          </div>
        ))}
      </dl>
      {tax > 0 && <p className="small">{formatMinor(tax, currency)} of it is tax.</p>}
    </aside>
  );
}

function NoSession({ sentence }: { sentence: string | undefined }) {
  return (
    <div className="message" role="status">
      <p>{sentence}</p>
      <Link href="/">Back to the shop</Link>
    </div>
  );
}

function Waiting({ sentence }: { sentence: string }) {
  return (
    <div className="message" role="status">
      <p>{sentence}</p>
    </div>
  );
}

function Complete({ orderId }: { orderId: string }) {
  return (
    <div className="message" role="status">
      <h2>Thank you for your order</h2>
      <Link className="button" href={`/orders/${orderId}`}>
        Look at the order
      </Link>
    </div>
  );
}

const DARK = '(prefers-color-scheme: dark)';
const SHAPE = { borderRadius: '10px' };
const LIGHT_FORM = { theme: 'stripe', variables: { ...SHAPE, colorPrimary: '#2f5d50' } };
const DARK_FORM = {
  theme: 'night',
  variables: {
    ...SHAPE,
    colorPrimary: '#9ccdbd',
    colorBackground: '#1f2425',
    colorText: '#e9edeb',
    colorTextSecondary: '#a6b1ad',
  },
};

/** Stripe's fields are light or dark as the page is. */
function useAppearance() {
  const isDark = useSyncExternalStore(
    (changed) => {
      const query = matchMedia(DARK);
      query.addEventListener('change', changed);
      return () => query.removeEventListener('change', changed);
    },
    () => matchMedia(DARK).matches,
    () => false,
  );
  return isDark ? DARK_FORM : LIGHT_FORM;
}

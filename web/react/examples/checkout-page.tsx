'use client';
import { formatMinor } from '@till/client';
import { CheckoutProvider, StripePayment, useCheckout } from '@till/react';
import type { FormEvent } from 'react';

/** The whole checkout. `publishableKey` is Stripe's, and no secret. */
export function CheckoutPage({ publishableKey }: { publishableKey: string }) {
  return (
    <CheckoutProvider>
      <Steps publishableKey={publishableKey} />
    </CheckoutProvider>
  );
}

function Steps({ publishableKey }: { publishableKey: string }) {
  const { session, error, reconciliationPending, paymentError } = useCheckout();
  if (!session) return <p>{error?.message}</p>;
  if (session.status === 'complete') return <p>Thank you. Your order is {session.order?.id}.</p>;
  if (reconciliationPending) return <p>{paymentError}</p>;
  if (!session.selectedShippingRateId) return <Contact />;
  return <StripePayment publishableKey={publishableKey} />;
}

function Contact() {
  const { updateSession, calculateShipping, error } = useCheckout();
  async function save(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const typed = (name: string) => String(form.get(name) ?? '');
    const address = {
      firstName: typed('firstName'),
      lastName: typed('lastName'),
      line1: typed('line1'),
      postcode: typed('postcode'),
      city: typed('city'),
      country: 'DE',
    };
    await updateSession({
      customerInfo: { name: `${address.firstName} ${address.lastName}`, email: typed('email') },
      shippingAddress: address,
      billingAddress: address,
    });
    const { data } = await calculateShipping();
    const rate = data.session?.availableShippingRates[0];
    if (rate) await updateSession({ selectedShippingRateId: rate.id });
  }
  return (
    <form onSubmit={save}>
      {['email', 'firstName', 'lastName', 'line1', 'postcode', 'city'].map((name) => (
        <input key={name} name={name} placeholder={name} required />
      ))}
      <p role="alert">{error?.message}</p>
      <button type="submit">Go on</button>
      <Total />
    </form>
  );
}

function Total() {
  const totals = useCheckout().session?.totals;
  return <p>{totals && formatMinor(totals.total, totals.currency, 'en')}</p>;
}

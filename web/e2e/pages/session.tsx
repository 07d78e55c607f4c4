// A checkout session with the components of @till/react, which bring @stripe/react-stripe-js.

import { createTill, orThrow } from '@till/client';
import { CheckoutProvider, StripePayment, useCheckout } from '@till/react';
import { StrictMode, useEffect } from 'react';
import { createRoot } from 'react-dom/client';

const ADDRESS = {
  firstName: 'Ada',
  lastName: 'Beispiel',
  line1: 'Hauptstr. 1',
  postcode: '10115',
  city: 'Berlin',
  country: 'DE',
};
const till = createTill();
const publishableKey = new URLSearchParams(location.search).get('key') ?? '';

/** A session that has everything but its payment; after a reload it is there already. */
async function prepare(): Promise<void> {
  const { session } = orThrow(await till.sessions.current());
  if (session) return;
  const products = orThrow(await till.products.search('mug'));
  for (const { id, sku } of products.items) if (sku === 'mug') orThrow(await till.cart.add(id));
  orThrow(await till.sessions.open());
  orThrow(
    await till.sessions.update({
      customerInfo: { name: 'Ada Beispiel', email: 'ada@example.org' },
      shippingAddress: ADDRESS,
      billingAddress: ADDRESS,
    }),
  );
  const rates = orThrow(await till.sessions.shipping()).session.availableShippingRates;
  orThrow(await till.sessions.update({ selectedShippingRateId: rates[0]?.id ?? '' }));
}

function Page() {
  const { session, paymentError, resumePayment } = useCheckout();
  const { status, payment } = session ?? {};
  useEffect(() => {
    document.body.dataset.order = session?.order?.id ?? '';
  }, [session]);
  return (
    <>
      {status !== 'complete' && <StripePayment publishableKey={publishableKey} />}
      <button type="button" onClick={() => resumePayment()}>
        Resume
      </button>
      <output>{`${status} ${payment?.status} ${paymentError ?? ''}`.trim()}</output>
    </>
  );
}

prepare().then(() => {
  const node = document.getElementById('page');
  if (!node) throw new Error('no page');
  createRoot(node).render(
    <StrictMode>
      <CheckoutProvider>
        <Page />
      </CheckoutProvider>
    </StrictMode>,
  );
});

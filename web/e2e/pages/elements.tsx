// A page with nothing but Stripe.js in it, which the walks use from outside.

import {
  loadStripe,
  type Stripe,
  type StripeElements,
  type StripePaymentElement,
} from '@stripe/stripe-js';

declare global {
  interface Window {
    stripe: Stripe;
    elements: StripeElements;
    payment: StripePaymentElement;
    /** Events of the payment's form, each with its type. */
    heard: [string, object][];
  }
}

const stripe = await loadStripe(new URLSearchParams(location.search).get('key') ?? '');
if (!stripe) throw new Error('no Stripe.js');
Object.assign(window, { stripe, heard: [] });
document.body.dataset.loaded = '';

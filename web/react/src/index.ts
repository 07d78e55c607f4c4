export type {
  CheckoutError,
  CheckoutOptions,
  CheckoutState,
  Confirmed,
  Gateway,
  Outcome,
} from './checkout.js';
export { Checkout } from './checkout.js';
export type { CheckoutProviderProps } from './provider.js';
export { CheckoutProvider, useCheckout } from './provider.js';
export type { StripePaymentProps, StripePaymentState } from './stripe.js';
export { StripePayment } from './stripe.js';

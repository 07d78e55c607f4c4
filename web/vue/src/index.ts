export { useCart } from './cart.js';
export type { Change } from './changes.js';
export type { CheckoutOptions, CheckoutState, PayableIntent, StripeOutcome } from './checkout.js';
export { useCheckout } from './checkout.js';
export { tillPlugin, useTill } from './till.js';

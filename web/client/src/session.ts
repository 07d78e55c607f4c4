// A checkout session in the words of its contract.

import type { CheckoutSession as Documented } from './api.js';

export type { SessionPaymentStatus, SessionStatus } from './api.js';

/** A checkout session. Its amounts are in the minor unit. */
export interface CheckoutSession extends Omit<Documented, 'customAttributes'> {
  /** What the storefront notes with the order, of what the shop takes. */
  customAttributes: CustomAttributes;
}

/** Texts, numbers, and true or false. */
export type CustomAttributes = Record<string, string | number | boolean>;

// A checkout session in the words of its contract, which the document spells in prose.

import type { CheckoutSession as Documented, SessionPayment } from './api.js';

/** Whether the shopper may still pay. */
export type SessionStatus = 'open' | 'processing' | 'complete' | 'expired';

/** How far the payment is; `requires_action` waits for the shopper and her bank. */
export type SessionPaymentStatus = 'idle' | 'pending' | 'requires_action' | 'succeeded' | 'failed';

/** A checkout session. Its amounts are in the minor unit. */
export interface CheckoutSession
  extends Omit<Documented, 'status' | 'payment' | 'customAttributes'> {
  status: SessionStatus;
  payment: Omit<SessionPayment, 'status'> & { status: SessionPaymentStatus };
  /** What the storefront notes with the order, of what the shop takes. */
  customAttributes: CustomAttributes;
}

/** Texts, numbers, and true or false. */
export type CustomAttributes = Record<string, string | number | boolean>;

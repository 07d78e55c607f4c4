// A checkout session in the words of its contract.

export type {
  CheckoutSession,
  CustomAttributes,
  SessionPaymentStatus,
  SessionStatus,
} from './api.js';

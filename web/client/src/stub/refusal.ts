// The failures that the stub knows, as the server words them.

import type { DetailsOf, ShopCode } from '../failure.js';

/** Status and sentence of each; a test compares them with the document. */
export const KNOWN = {
  'checkout.cartEmpty': [400, 'Cart is empty.'],
  'checkout.addressInvalid': [400, 'The address is not valid.'],
  'checkout.stockChanged': [
    409,
    'Some of it is no longer in stock. Look at the cart and try again.',
  ],
  'checkout.priceChanged': [409, 'A price has changed. Look at the cart and try again.'],
  'checkout.amountTooSmall': [400, 'The total is too small to be paid by card.'],
  'payment.declined': [402, 'The payment was declined.'],
  'payment.authRequired': [
    402,
    'Your bank wants you to confirm the payment. Confirm it, then try again.',
  ],
  'request.invalid': [400, 'The request cannot be understood.'],
  'request.conflict': [
    409,
    'An order of this cart is being paid or has been paid. Look at that order first.',
  ],
  'auth.required': [401, 'Sign in first.'],
  'product.notFound': [404, 'There is no such product.'],
  'cartLine.notFound': [404, 'There is no such line in the cart.'],
  'order.notFound': [404, 'There is no such order.'],
  'address.notFound': [404, 'There is no such address.'],
  'link.notFound': [404, 'This link does not work any more. Ask for another one.'],
  'route.notFound': [404, 'There is nothing here.'],
  VALIDATION_ERROR: [400, 'The request cannot be understood.'],
  SESSION_GONE: [410, 'This checkout is over. Start a new one.'],
  SESSION_NOT_OPEN: [400, 'It is being paid, or has been paid.'],
  MISSING_FIELDS: [400, 'Missing required fields: customerInfo'],
  MISSING_SHIPPING_ADDRESS: [400, 'Say first where it goes.'],
  CART_MISMATCH: [409, 'The cart has changed. Look at it, then pay.'],
  SHIPPING_RATE_UNRESOLVABLE: [
    409,
    'The selected way of shipping is not offered any more. Choose again.',
  ],
  UNKNOWN_GATEWAY: [400, 'There is no such payment gateway.'],
  SESSION_NOT_RESUMABLE: [400, 'No payment waits to be resumed.'],
  PAYMENT_STILL_REQUIRES_ACTION: [409, 'Your bank still waits for you.'],
  SESSION_NOT_ABANDONABLE: [400, 'No payment can be given up.'],
} satisfies Partial<Record<ShopCode, [number, string]>>;

type Known = keyof typeof KNOWN;

/** An answer that is no success. */
export class Refusal {
  readonly status: number;
  readonly body: unknown;

  constructor(code: Known, message: string | undefined, details: object | undefined) {
    const [status, sentence] = KNOWN[code];
    const error = { code, message: message ?? sentence };
    this.status = status;
    // The two APIs wrap their failures differently.
    this.body = /[a-z]/.test(code)
      ? { error: details ? { ...error, details } : error }
      : { success: false, error, ...(details ? { data: details } : {}) };
  }
}

/** Ends the request with this code. */
export function refuse<Code extends Known>(
  code: Code,
  more: {
    message?: string | undefined;
    details?: Code extends keyof DetailsOf ? DetailsOf[Code] : never;
  } = {},
): never {
  throw new Refusal(code, more.message, more.details);
}

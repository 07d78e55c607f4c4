// Stripe's minor unit is not always ISO 4217's: https://docs.stripe.com/currencies (read 2026-11-21).

const WHOLE_IN_HUNDREDTHS = ['ISK', 'UGX'];
const HUNDREDTHS_IN_WHOLE = ['MGA'];

/** What Elements must be told so that it is the amount of the payment. */
export function stripeAmount(minor: number, currency: string): number {
  if (WHOLE_IN_HUNDREDTHS.includes(currency)) return minor * 100;
  if (HUNDREDTHS_IN_WHOLE.includes(currency)) return minor / 100;
  return minor;
}

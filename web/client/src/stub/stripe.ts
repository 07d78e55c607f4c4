// What Stripe.js does in the shopper's browser, and what Stripe then tells the shop.

import type { Books, Payment } from './books.js';
import { becomePaid } from './orders.js';

/** Cards of Stripe's test table, and what becomes of a payment with each. */
const CARDS = {
  '4242424242424242': { status: 'succeeded' },
  '4000000000000002': { status: 'declined', message: 'Your card was declined.' },
  '4000000000009995': { status: 'declined', message: 'Your card has insufficient funds.' },
  '4000000000003220': { status: 'requires_action' },
} as const;

/** The cards that the stub knows: one that pays, two that are declined, one that asks for 3-D Secure. */
export type TestCard = keyof typeof CARDS;

/** As much of Stripe.js's answer as a checkout looks at. */
export type StripeResult =
  | { paymentIntent: { id: string; status: 'succeeded' | 'requires_action' }; error?: undefined }
  | { paymentIntent?: undefined; error: { code: string; message: string } };

/** Stands in for Stripe.js and the shopper's bank. */
export interface StubStripe {
  /** As `stripe.confirmPayment`, with a card instead of Elements. */
  confirmPayment(asked: { clientSecret: string; card: TestCard }): Promise<StripeResult>;
  /** As `stripe.handleNextAction`: the shopper passes her bank's challenge, or does not. */
  handleNextAction(asked: { clientSecret: string; passes?: boolean }): Promise<StripeResult>;
  /** As `stripe.createConfirmationToken`, for `sessions.pay`. */
  createConfirmationToken(asked: {
    card: TestCard;
  }): Promise<{ confirmationToken: { id: string } }>;
  /** From now on orders stay pending after their payment has succeeded: the event is late. */
  holdEvents(): void;
  /** The events arrive. */
  releaseEvents(): void;
}

const NOT_AUTHENTICATED = 'Your bank could not confirm that it was you.';

export function stubStripe(books: Books): StubStripe {
  const find = (clientSecret: string) =>
    books.payments.find((payment) => payment.clientSecret === clientSecret);
  return {
    async confirmPayment({ clientSecret, card }) {
      const payment = find(clientSecret);
      if (payment?.status !== 'open' && payment?.status !== 'declined') return unexpected();
      return charge(books, payment, card);
    },
    async handleNextAction({ clientSecret, passes = true }) {
      const payment = find(clientSecret);
      if (payment?.status !== 'requires_action') return unexpected();
      if (passes) return succeed(books, payment);
      return decline(payment, 'payment_intent_authentication_failure', NOT_AUTHENTICATED);
    },
    async createConfirmationToken({ card }) {
      const id = `ctoken_stub_${books.tokens.size + 1}`;
      books.tokens.set(id, card);
      return { confirmationToken: { id } };
    },
    holdEvents() {
      books.held ??= [];
    },
    releaseEvents() {
      const late = books.held ?? [];
      books.held = undefined;
      for (const payment of late) hear(books, payment);
    },
  };
}

/** Tries a card. */
export function charge(books: Books, payment: Payment, card: string): StripeResult {
  const outcome = CARDS[card as TestCard] ?? CARDS['4242424242424242'];
  switch (outcome.status) {
    case 'succeeded':
      return succeed(books, payment);
    case 'requires_action':
      payment.status = 'requires_action';
      return { paymentIntent: { id: payment.id, status: 'requires_action' } };
    case 'declined':
      return decline(payment, 'card_declined', outcome.message);
  }
}

function succeed(books: Books, payment: Payment): StripeResult {
  payment.status = 'succeeded';
  if (books.held) books.held.push(payment);
  else hear(books, payment);
  return { paymentIntent: { id: payment.id, status: 'succeeded' } };
}

function decline(payment: Payment, code: string, message: string): StripeResult {
  payment.status = 'declined';
  payment.declined = message;
  return { error: { code, message } };
}

/** The shop hears of a success. */
function hear(books: Books, payment: Payment): void {
  payment.eventId = payment.id.replace('pi_', 'evt_');
  const order = books.orders.find((placed) => placed.payment === payment);
  if (order) becomePaid(books, order);
}

const unexpected = (): StripeResult => ({
  error: {
    code: 'payment_intent_unexpected_state',
    message: 'This payment cannot be confirmed any more.',
  },
});

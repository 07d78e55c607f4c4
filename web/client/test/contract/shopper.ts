// Somebody who buys, and what she looks at.

import {
  type Answer,
  type CheckoutRequest,
  type CodesOf,
  type Order,
  orThrow,
  type SessionState,
  type Till,
} from '../../src/index.js';
import type { Stage, TestCard } from '../stage.js';

export const ADDRESS = {
  name: 'Ada Beispiel',
  street: 'Hauptstr. 1',
  postalCode: '10115',
  city: 'Berlin',
  country: 'DE',
};
export const FORM: CheckoutRequest = {
  email: 'ada@example.org',
  shippingAddress: ADDRESS,
  acceptsMarketing: false,
};
export const SESSION_ADDRESS = {
  firstName: 'Ada',
  lastName: 'Beispiel',
  line1: 'Hauptstr. 1',
  city: 'Berlin',
  country: 'DE',
  postcode: '10115',
};
export const NOBODY = '00000000-0000-7000-8000-00000000dead';

/** Somebody who buys, and who looks at the whole answer. */
export class Shopper {
  readonly till: Till;

  constructor(readonly stage: Stage) {
    this.till = stage.visitor();
  }

  async product(sku: string) {
    const page = orThrow(await this.till.products.search(sku));
    const product = page.items.find((found) => found.sku === sku);
    if (!product) throw new Error(`no ${sku}`);
    return product;
  }

  async add(sku: string, quantity = 1) {
    return this.till.cart.add((await this.product(sku)).id, quantity);
  }

  /** What is in the cart, such as `2 x mug`. */
  async cart() {
    const { items } = orThrow(await this.till.cart.get());
    return items.map(({ quantity, sku }) => `${quantity} x ${sku}`).join(', ');
  }

  async line(sku: string) {
    const { items } = orThrow(await this.till.cart.get());
    const line = items.find((found) => found.sku === sku);
    if (!line) throw new Error(`no line with ${sku}`);
    return line;
  }

  async intent(form = FORM) {
    const intent = orThrow(await this.till.checkout.createIntent(form));
    return { ...intent, clientSecret: intent.clientSecret ?? '' };
  }

  async untilPaid(order: string): Promise<Order> {
    const end = Date.now() + 10_000;
    for (;;) {
      const seen = orThrow(await this.till.orders.get(order));
      if (seen.status === 'paid') return seen;
      if (Date.now() > end) throw new Error(`the order is ${seen.status}`);
      await new Promise((passed) => setTimeout(passed, 50));
    }
  }

  /** Opens a session that has everything that is needed to pay. */
  async session() {
    orThrow(await this.till.sessions.open());
    await this.fillIn();
  }

  async fillIn() {
    orThrow(
      await this.till.sessions.update({
        customerInfo: { name: 'Ada Beispiel', email: 'ada@example.org' },
        shippingAddress: SESSION_ADDRESS,
        billingAddress: SESSION_ADDRESS,
      }),
    );
    const { session } = orThrow(await this.till.sessions.shipping());
    const rate = session.availableShippingRates[0];
    if (rate) orThrow(await this.till.sessions.update({ selectedShippingRateId: rate.id }));
  }

  /** What her page shows that the session costs, in minor units. */
  async total() {
    return orThrow(await this.till.sessions.current()).session?.totals?.total ?? 0;
  }

  async pay(card: TestCard, seen?: number) {
    const total = seen ?? (await this.total());
    const token = await this.stage.stripe.createConfirmationToken(card);
    return this.till.sessions.pay({ gateway: 'stripe', confirmation_token: token, total });
  }
}

/** The shop of the suite, and a new visitor in it. */
export type Shop = () => Shopper;

/** A failure's status and code, or `ok`. */
export function said(answer: Answer<unknown, keyof CodesOf>): string {
  if (answer.ok) return 'ok';
  return 'status' in answer.failure
    ? `${answer.failure.status} ${answer.failure.code}`
    : answer.failure.code;
}

/** The two words of a session's state. */
export function state(answer: Answer<SessionState, keyof CodesOf>): string {
  const { session } = orThrow(answer);
  return `${session?.status} ${session?.payment.status}`;
}

// A cart becomes an order with a payment, and the order paid or cancelled.

import type { Address, CheckoutIntent, Order } from '../api.js';
import type { Books, Contact, Payment, Placed, Visitor } from './books.js';
import { contents, majorOf, mustShip, subtotalOf } from './books.js';
import { drift, shownLine } from './cart.js';
import { refuse } from './refusal.js';

/** The smallest amount of euros that Stripe charges. */
const MINIMUM_MINOR = 50;

export function startIntent(
  books: Books,
  visitor: Visitor,
  body: Record<string, unknown>,
): CheckoutIntent {
  const shippingAddress = () => readAddress('shippingAddress', body.shippingAddress);
  const contact: Contact = {
    email: readEmail(body.email),
    shippingAddress: shippingAddress(),
    billingAddress:
      body.billingAddress === undefined
        ? shippingAddress()
        : readAddress('billingAddress', body.billingAddress),
  };
  const order = place(books, visitor, contact, String(body.acceptsMarketing));
  const intent = {
    orderId: order.id,
    publishableKey: 'pk_test_stub',
    stripeJsUrl: 'https://js.stripe.com/dahlia/stripe.js',
    amount: majorOf(order.totals.total),
    currency: 'eur',
  };
  return order.payment ? { ...intent, clientSecret: order.payment.clientSecret } : intent;
}

/** The order of this cart and form; another one that waits for its payment makes room. */
export function place(books: Books, visitor: Visitor, contact: Contact, alsoOf: string): Placed {
  if (visitor.lines.length === 0) refuse('checkout.cartEmpty');
  const fingerprint = JSON.stringify([contents(visitor.lines), contact, alsoOf]);
  const live = books.live(visitor);
  if (live?.fingerprint === fingerprint) return live;
  const { prices, shortages } = drift(books, visitor);
  if (shortages.length > 0) refuse('checkout.stockChanged', { details: { lines: shortages } });
  if (prices.length > 0) refuse('checkout.priceChanged', { details: { lines: prices } });
  const totals = books.totals(subtotalOf(visitor.lines), mustShip(visitor.lines));
  if (totals.total > 0 && totals.total < MINIMUM_MINOR) {
    refuse('checkout.amountTooSmall', { details: { minimum: majorOf(MINIMUM_MINOR) } });
  }
  if (live) {
    if (live.payment?.status === 'succeeded') conflict(live);
    giveUp(live);
  }
  const order: Placed = {
    id: books.id(),
    visitor,
    fingerprint,
    lines: visitor.lines.map((line) => ({ ...line })),
    totals,
    contact,
    createdAt: books.now().toISOString(),
    payment: totals.total > 0 ? newPayment(books) : undefined,
    status: 'pending',
    ...(visitor.account && { owner: visitor.account }),
  };
  books.orders.push(order);
  if (!order.payment) becomePaid(books, order);
  return order;
}

function newPayment(books: Books): Payment {
  const id = `pi_stub_${books.payments.length + 1}`;
  const payment: Payment = { id, clientSecret: `${id}_secret_stub`, status: 'open' };
  books.payments.push(payment);
  return payment;
}

/** The pieces leave the shelf and the visitor's cart. */
export function becomePaid(books: Books, order: Placed): void {
  order.status = 'paid';
  order.paidAt = books.now().toISOString();
  const { visitor } = order;
  for (const bought of order.lines) {
    bought.item.onHand -= bought.quantity;
    for (const line of visitor.lines) {
      if (line.item === bought.item) line.quantity -= bought.quantity;
    }
  }
  visitor.lines = visitor.lines.filter(({ quantity }) => quantity > 0);
}

export function confirmOrder(books: Books, visitor: Visitor, id: string): Order {
  const order = orderOf(books, visitor, id);
  if (order.status === 'pending') {
    const { status, declined } = order.payment ?? {};
    if (status === 'declined') refuse('payment.declined', { message: declined });
    if (status === 'requires_action') refuse('payment.authRequired');
  }
  return shownOrder(order);
}

export function cancelOrder(books: Books, visitor: Visitor, id: string): Order {
  const order = orderOf(books, visitor, id);
  if (order.status === 'paid' || order.payment?.status === 'succeeded') conflict(order);
  giveUp(order);
  return shownOrder(order);
}

export function giveUp(order: Placed): void {
  order.status = 'cancelled';
  if (order.payment) order.payment.status = 'cancelled';
}

const conflict = ({ id }: Placed) => refuse('request.conflict', { details: { orderId: id } });

/** The visitor's own order; others are as if there were none. */
export function orderOf(books: Books, visitor: Visitor, id: string): Placed {
  const { account } = visitor;
  const isHers = (found: Placed) =>
    found.visitor === visitor || (account !== undefined && found.owner === account);
  const order = books.orders.find((found) => found.id === id && isHers(found));
  return order ?? refuse('order.notFound');
}

export function shownOrder(order: Placed): Order {
  const { contact, totals, payment, paidAt } = order;
  return {
    id: order.id,
    status: order.status,
    items: order.lines.map(shownLine),
    subtotal: majorOf(totals.subtotal),
    shipping: majorOf(totals.shipping),
    tax: majorOf(totals.tax),
    taxIncluded: true,
    total: majorOf(totals.total),
    currency: 'eur',
    customer: { email: contact.email, ...(order.owner && { customerId: order.owner.id }) },
    shippingAddress: contact.shippingAddress,
    billingAddress: contact.billingAddress,
    createdAt: order.createdAt,
    ...(paidAt && { paidAt }),
    ...(payment && { payment: shownPayment(payment) }),
  };
}

function shownPayment({ status, eventId }: Payment): NonNullable<Order['payment']> {
  return { status, disputed: false, ...(eventId && { eventId }) };
}

function readEmail(text: unknown): string {
  if (typeof text === 'string' && isEmail(text)) return text.trim();
  return invalid('email', 'email: not an e-mail address, such as ada@example.org.');
}

export const isEmail = (text: string): boolean => /^\S+@\S+\.\S+$/.test(text.trim());

/** Whether there is such a country, as the browser knows them. */
export function isCountry(code: string): boolean {
  if (!/^[A-Z]{2}$/.test(code)) return false;
  return new Intl.DisplayNames('en', { type: 'region', fallback: 'none' }).of(code) !== undefined;
}

/** An address with all its parts. The postal codes of each country only the server knows; here one
 * has a digit. */
export function readAddress(of: string, address: unknown): Address {
  const fields = (address ?? {}) as Partial<Record<keyof Address, string>>;
  const text = (name: keyof Address) => String(fields[name] ?? '').trim();
  const country = text('country').toUpperCase();
  const field = (name: string) => (of ? `${of}.${name}` : name);
  if (!isCountry(country)) invalid(field('country'), `${country} is not a country code.`);
  for (const name of ['name', 'street', 'postalCode', 'city'] as const) {
    if (text(name) === '') invalid(field(name), `${name} is missing.`);
  }
  if (!/\d/.test(text('postalCode'))) {
    invalid(field('postalCode'), `${text('postalCode')} is not a postal code of ${country}.`);
  }
  const { company, phone } = fields;
  return {
    name: text('name'),
    ...(company && { company }),
    street: text('street'),
    postalCode: text('postalCode'),
    city: text('city'),
    country,
    ...(phone && { phone }),
  };
}

const invalid = (field: string, message: string) =>
  refuse('checkout.addressInvalid', { message, details: { field } });

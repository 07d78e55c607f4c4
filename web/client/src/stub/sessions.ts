// Checkout sessions. How one stands is read from the order that it led to.

import type { Address, SessionAddress, SessionAnswer, ShippingRate } from '../api.js';
import type { CheckoutSession } from '../session.js';
import { type Books, contents, mustShip, type Session, subtotalOf, type Visitor } from './books.js';
import { lookAtCart } from './cart.js';
import { giveUp, isCountry, isEmail, place } from './orders.js';
import { Refusal, refuse } from './refusal.js';
import { charge } from './stripe.js';

type Body = Record<string, unknown>;

const GIVEN_UP = 'The payment was given up. Nothing was charged.';
const LIFETIME_MS = 30 * 60 * 1000;
const PARTS = [
  'firstName',
  'lastName',
  'company',
  'line1',
  'line2',
  'city',
  'county',
  'country',
  'postcode',
] as const;

export function openSession(books: Books, visitor: Visitor, body: Body): SessionAnswer {
  lookAtCart(books, visitor);
  if (visitor.lines.length === 0) {
    refuse('VALIDATION_ERROR', {
      message:
        'cartId is required and must be a string: the visitor has no cart with anything in it.',
    });
  }
  const session: Session = {
    id: books.id(),
    expiresAt: books.now().getTime() + LIFETIME_MS,
    cartSeen: '',
    customerInfo: null,
    shippingAddress: null,
    billingAddress: null,
    rateId: null,
    rates: [],
    totals: books.totals(0, false),
    requiresShipping:
      typeof body.requiresShipping === 'boolean' ? body.requiresShipping : mustShip(visitor.lines),
    customAttributes: {},
  };
  visitor.session = session;
  price(books, visitor, session);
  return answer(visitor, session);
}

export function currentSession(visitor: Visitor): SessionAnswer {
  const { session } = visitor;
  return session ? answer(visitor, session) : { success: true, data: { session: null } };
}

export function patchSession(books: Books, visitor: Visitor, body: Body): SessionAnswer {
  const session = openOne(visitor);
  const { customerInfo, shippingAddress, billingAddress, selectedShippingRateId } = body;
  if (customerInfo) {
    const { name = '', email = '' } = customerInfo as { name?: string; email?: string };
    session.customerInfo = { name: name.trim(), email: email.trim() };
  }
  if (shippingAddress) session.shippingAddress = readAddress(shippingAddress);
  if (billingAddress) session.billingAddress = readAddress(billingAddress);
  if (typeof selectedShippingRateId === 'string') session.rateId = selectedShippingRateId;
  if (typeof body.requiresShipping === 'boolean') session.requiresShipping = body.requiresShipping;
  const noted = Object.entries((body.customAttributes ?? {}) as Session['customAttributes']);
  const allowed = noted.filter(([name]) => books.attributes.includes(name));
  Object.assign(session.customAttributes, Object.fromEntries(allowed));
  // A cart that has changed is not priced: to pay says so.
  lookAtCart(books, visitor);
  if (contents(visitor.lines) === session.cartSeen) {
    if (session.rates.length > 0) offer(books, visitor, session);
    price(books, visitor, session);
  }
  return answer(visitor, session);
}

export function offerShipping(books: Books, visitor: Visitor): SessionAnswer {
  const session = visitor.session ?? refuse('SESSION_GONE');
  if (!session.shippingAddress) refuse('MISSING_SHIPPING_ADDRESS');
  openOne(visitor);
  lookAtCart(books, visitor);
  offer(books, visitor, session);
  if (contents(visitor.lines) === session.cartSeen) price(books, visitor, session);
  return answer(visitor, session);
}

export function paySession(books: Books, visitor: Visitor, body: Body): SessionAnswer {
  const session = visitor.session ?? refuse('SESSION_GONE');
  const token = tokenOf(body);
  const seen = seenTotal(body);
  if (!isOpen(session)) return answer(visitor, session);
  lookAtCart(books, visitor);
  if (contents(visitor.lines) !== session.cartSeen) mismatch(books, visitor, session);
  const missing = missingOf(visitor, session);
  if (missing.length > 0) {
    refuse('MISSING_FIELDS', { message: `Missing required fields: ${missing.join(', ')}` });
  }
  if (mustShip(visitor.lines) && !selected(session)) refuse('SHIPPING_RATE_UNRESOLVABLE');
  if (seen !== undefined && seen !== session.totals.total) mismatch(books, visitor, session);
  if (session.totals.total > 0 && token === undefined) refuse('UNKNOWN_GATEWAY');
  const card = books.tokens.get(token ?? '');
  if (session.totals.total > 0 && card === undefined) {
    session.refused = `No such confirmation token: '${token}'`;
    return answer(visitor, session);
  }
  const order = begin(books, visitor, session, token);
  delete session.refused;
  session.order = order;
  if (order.payment?.status === 'open') charge(books, order.payment, card ?? '');
  return answer(visitor, session);
}

export function resumePayment(visitor: Visitor): SessionAnswer {
  const session = visitor.session ?? refuse('SESSION_GONE');
  const shown = shownSession(visitor, session);
  if (shown.payment.status === 'requires_action') {
    refuse('PAYMENT_STILL_REQUIRES_ACTION', { details: { session: shown } });
  }
  if (shown.status === 'open') refuse('SESSION_NOT_RESUMABLE');
  return answer(visitor, session);
}

export function abandonPayment(visitor: Visitor): SessionAnswer {
  const session = visitor.session ?? refuse('SESSION_GONE');
  const { order } = session;
  if (order?.payment?.status !== 'requires_action') refuse('SESSION_NOT_ABANDONABLE');
  giveUp(order);
  return answer(visitor, session);
}

/** The visitor's session, while something may still be changed in it. */
function openOne(visitor: Visitor): Session {
  const session = visitor.session ?? refuse('SESSION_GONE');
  return isOpen(session) ? session : refuse('SESSION_NOT_OPEN');
}

const isOpen = ({ order }: Session): boolean =>
  !order || order.status === 'cancelled' || order.payment?.status === 'declined';

/** The order of this try; another token is another try. */
function begin(books: Books, visitor: Visitor, session: Session, token: string | undefined) {
  const email = session.customerInfo?.email ?? '';
  const billing = session.billingAddress ?? readAddress({});
  const shipping = destination(visitor, session) ?? billing;
  const contact = {
    email,
    shippingAddress: ordersAddress(shipping),
    billingAddress: ordersAddress(billing),
  };
  try {
    return place(books, visitor, contact, token ?? '');
  } catch (refusal) {
    const { error } = (refusal instanceof Refusal ? refusal.body : {}) as {
      error?: { code: string; message: string };
    };
    if (error?.code === 'checkout.stockChanged') {
      return mismatch(books, visitor, session, error.message);
    }
    return refuse('VALIDATION_ERROR', { message: error?.message });
  }
}

/** Shows the shopper the cart as it is. */
function mismatch(books: Books, visitor: Visitor, session: Session, message?: string): never {
  offer(books, visitor, session);
  price(books, visitor, session);
  return refuse('CART_MISMATCH', { message, details: { session: shownSession(visitor, session) } });
}

function missingOf({ lines }: Visitor, session: Session): string[] {
  const { customerInfo, shippingAddress, billingAddress, rateId } = session;
  const sent = mustShip(lines);
  const hasCustomer = customerInfo?.name && isEmail(customerInfo.email);
  return [
    hasCustomer ? '' : 'customerInfo',
    isComplete(billingAddress) ? '' : 'billingAddress',
    sent && !isComplete(shippingAddress) ? 'shippingAddress' : '',
    sent && rateId === null ? 'selectedShippingRateId' : '',
  ].filter((name) => name !== '');
}

function isComplete(address: Required<SessionAddress> | null): boolean {
  if (!address || !isCountry(address.country)) return false;
  const { firstName, lastName, line1, postcode } = address;
  return [firstName, lastName, line1, postcode].every((part) => part !== '');
}

function tokenOf(body: Body): string | undefined {
  const { gateway, confirmation_token: token } = body;
  if (gateway === 'manual') return undefined;
  if (!gateway) return refuse('VALIDATION_ERROR', { message: 'gateway is required' });
  if (gateway !== 'stripe') return refuse('UNKNOWN_GATEWAY');
  if (typeof token === 'string') return token;
  return refuse('VALIDATION_ERROR', { message: 'confirmation_token is required' });
}

/** What the page showed the shopper when she clicked. */
function seenTotal({ total }: Body): number | undefined {
  if (total === undefined || total === null) return undefined;
  if (typeof total === 'number' && Number.isSafeInteger(total) && total >= 0) return total;
  return refuse('VALIDATION_ERROR', { message: 'The body is not as documented: total.' });
}

function offer(books: Books, visitor: Visitor, session: Session): void {
  const isSent = mustShip(visitor.lines) && isCountry(session.shippingAddress?.country ?? '');
  const rate: ShippingRate = {
    id: 'standard',
    name: 'Standard',
    description: '',
    amount: books.sending(subtotalOf(visitor.lines)),
    currency: 'EUR',
    deliveryTime: '',
    serviceLevel: 'standard',
    carrier: '',
  };
  session.rates = isSent ? [rate] : [];
  if (!selected(session)) session.rateId = null;
}

const selected = ({ rates, rateId }: Session) => rates.find(({ id }) => id === rateId);

/** Before the shopper has said where she is there is no tax to be told. */
function price(books: Books, visitor: Visitor, session: Session): void {
  const { lines } = visitor;
  const subtotal = subtotalOf(lines);
  const isSent = mustShip(lines) && selected(session) !== undefined;
  const isKnown = isCountry(destination(visitor, session)?.country ?? '');
  session.cartSeen = contents(lines);
  session.totals = isKnown
    ? books.totals(subtotal, isSent)
    : { subtotal, shipping: 0, tax: 0, total: subtotal };
}

function destination({ lines }: Visitor, session: Session): Required<SessionAddress> | null {
  const { shippingAddress, billingAddress } = session;
  if (mustShip(lines) || isComplete(shippingAddress)) return shippingAddress;
  return billingAddress;
}

function readAddress(typed: object): Required<SessionAddress> {
  const parts = typed as Record<string, string | undefined>;
  const texts = PARTS.map((part) => [part, (parts[part] ?? '').trim()]);
  return Object.fromEntries(texts) as Required<SessionAddress>;
}

function ordersAddress(address: Required<SessionAddress>): Address {
  const { firstName, lastName, company, line1, line2, postcode, city, country } = address;
  const joined = (parts: string[], between: string) => parts.filter(Boolean).join(between);
  return {
    name: joined([firstName, lastName], ' '),
    ...(company && { company }),
    street: joined([line1, line2], ', '),
    postalCode: postcode,
    city,
    country,
  };
}

function answer(visitor: Visitor, session: Session): SessionAnswer {
  const shown = shownSession(visitor, session);
  const paymentError = shown.payment.gatewayMetadata.lastError;
  return {
    success: true,
    // The document says of the attributes that they are texts.
    data: { session: shown as NonNullable<SessionAnswer['data']>['session'] & object },
    ...(paymentError && { paymentError }),
  };
}

function shownSession(visitor: Visitor, session: Session): CheckoutSession {
  const { order, totals } = session;
  const payment = shownPayment(session);
  const isBought = payment.status === 'succeeded';
  return {
    id: session.id,
    status: isBought ? 'complete' : 'open',
    cartId: visitor.cartId,
    customerInfo: session.customerInfo,
    shippingAddress: session.shippingAddress,
    billingAddress: session.billingAddress,
    selectedShippingRateId: session.rateId,
    availableShippingRates: session.rates,
    totals: { ...totals, currency: 'EUR' },
    requiresShipping: session.requiresShipping,
    customAttributes: session.customAttributes,
    payment,
    order:
      isBought && order
        ? { id: order.id, ...(order.payment && { transactionId: order.payment.id }) }
        : null,
    expiresAt: session.expiresAt,
  };
}

function shownPayment({ order, refused }: Session): CheckoutSession['payment'] {
  const payment = order?.payment;
  const nothing = { clientToken: null, gatewayMetadata: {}, actionData: null };
  const failed = (lastError: string) => ({
    ...nothing,
    gateway: 'stripe',
    status: 'failed' as const,
    gatewayMetadata: { lastError },
  });
  if (refused !== undefined) return failed(refused);
  if (!order) return { ...nothing, gateway: null, status: 'idle' };
  if (!payment) {
    return { ...nothing, gateway: 'manual', status: 'succeeded', gatewayMetadata: { free: true } };
  }
  if (payment.status === 'declined') return failed(payment.declined ?? '');
  if (payment.status === 'cancelled') return failed(GIVEN_UP);
  if (payment.status !== 'requires_action') {
    return { ...nothing, gateway: 'stripe', status: 'succeeded' };
  }
  return {
    gateway: 'stripe',
    status: 'requires_action',
    clientToken: payment.clientSecret,
    gatewayMetadata: { paymentIntentId: payment.id },
    actionData: { type: 'stripe_3ds', paymentIntentId: payment.id },
  };
}

// The shop in memory, for building a front end before a backend runs. It answers `fetch`, so that
// the client above it is the one that ships.

import type { Fetch } from '../request.js';
import { Books, minorOf, type StubOptions, type Visitor } from './books.js';
import * as cart from './cart.js';
import * as customers from './customers.js';
import * as orders from './orders.js';
import { Refusal, refuse } from './refusal.js';
import * as sessions from './sessions.js';
import { type StubStripe, stubStripe } from './stripe.js';

export type { StubOptions, StubProduct } from './books.js';
export type { StripeResult, StubStripe, TestCard } from './stripe.js';

/** A shop in memory. */
export interface Stub {
  /** A new visitor's `fetch`, for `createTill({ fetch: stub.visitor() })`. */
  visitor(): Fetch;
  /** What Stripe.js does in the browser. */
  stripe: StubStripe;
  /** The letters that have gone to this address, with what their links hold; the newest is last. */
  letters(to: string): { kind: 'confirm' | 'known' | 'reset'; token: string }[];
  /** The merchant changes a price, in the major unit. */
  setPrice(sku: string, price: number): void;
  /** The merchant counts the shelf. */
  setStock(sku: string, stock: number): void;
}

/** Opens a shop in memory. The same calls give the same answers. */
export function createStub(options: StubOptions = {}): Stub {
  const books = new Books(options);
  const item = (sku: string) => {
    const found = books.items.find((known) => known.sku === sku);
    if (!found) throw new Error(`the stub sells no ${sku}`);
    return found;
  };
  return {
    visitor() {
      const visitor: Visitor = { cartId: books.id(), lines: [] };
      books.browsers.push(visitor);
      return async (url, { method = 'GET', body, signal }) => {
        signal?.throwIfAborted();
        const { status, said } = respond(books, visitor, { url, method, body: parse(body) });
        if (said === undefined) return new Response(null, { status: 204 });
        return new Response(JSON.stringify(said), {
          status,
          headers: { 'content-type': 'application/json' },
        });
      };
    },
    stripe: stubStripe(books),
    letters: (to) =>
      books.letters
        .filter((letter) => letter.to === to)
        .map(({ kind, token }) => ({ kind, token })),
    setPrice(sku, price) {
      item(sku).minor = minorOf(price);
    },
    setStock(sku, stock) {
      item(sku).onHand = stock;
    },
  };
}

interface Asked {
  url: string;
  method: string;
  body: Record<string, unknown>;
}

function respond(books: Books, visitor: Visitor, asked: Asked): { status: number; said: unknown } {
  try {
    const said = route(books, visitor, asked);
    const isNew = asked.method === 'POST' && asked.url.endsWith('/sessions');
    return { status: isNew ? 201 : 200, said };
  } catch (refusal) {
    if (refusal instanceof Refusal) return { status: refusal.status, said: refusal.body };
    throw refusal;
  }
}

const CURRENT = '/api/checkout/sessions/current';
const ME = '/api/customers/me';

function route(books: Books, browser: Visitor, { url, method, body }: Asked): unknown {
  const visitor = browser.account?.home ?? browser;
  // Only what comes after the host counts.
  const { pathname, searchParams } = new URL(url, 'http://stub');
  const path = pathname.slice(pathname.indexOf('/api/'));
  const [, , noun, id = '', verb] = path.split('/').map(decodeURIComponent);
  switch (`${method} ${path}`) {
    case 'GET /api/products':
      return cart.listProducts(books, searchParams);
    case 'GET /api/cart':
      return cart.lookAtCart(books, visitor);
    case 'DELETE /api/cart':
      return cart.clearCart(books, visitor);
    case 'POST /api/cart/items':
      return cart.addItem(books, visitor, body);
    case 'POST /api/checkout/intent':
      return orders.startIntent(books, visitor, body);
    case 'POST /api/checkout/confirm':
      return orders.confirmOrder(books, visitor, String(body.orderId));
    case 'GET /api/orders':
      return customers.listOrders(books, browser, searchParams);
    case 'POST /api/customers':
      return customers.register(books, body);
    case 'POST /api/customers/verify':
      return customers.verify(books, browser, body);
    case 'POST /api/customers/login':
      return customers.signIn(books, browser, body);
    case 'POST /api/customers/logout':
      return customers.signOut(browser);
    case 'POST /api/customers/reset':
      return customers.forgotPassword(books, body);
    case 'POST /api/customers/reset/finish':
      return customers.resetPassword(books, body);
    case `GET ${ME}`:
      return customers.look(browser);
    case `PATCH ${ME}`:
      return customers.update(books, browser, body);
    case `DELETE ${ME}`:
      return customers.remove(books, browser, body);
    case `POST ${ME}/addresses`:
      return customers.addAddress(books, browser, body);
    case 'POST /api/checkout/sessions':
      return sessions.openSession(books, visitor, body);
    case `GET ${CURRENT}`:
      return sessions.currentSession(visitor);
    case `PATCH ${CURRENT}`:
      return sessions.patchSession(books, visitor, body);
    case `POST ${CURRENT}/shipping`:
      return sessions.offerShipping(books, visitor);
    case `POST ${CURRENT}/pay`:
      return sessions.paySession(books, visitor, body);
    case `POST ${CURRENT}/resume-payment`:
      return sessions.resumePayment(visitor);
    case `POST ${CURRENT}/abandon-payment`:
      return sessions.abandonPayment(visitor);
  }
  if (path.startsWith(`${ME}/addresses/`)) {
    const address = decodeURIComponent(path.slice(`${ME}/addresses/`.length));
    if (method === 'PATCH') return customers.changeAddress(browser, address, body);
    if (method === 'DELETE') return customers.removeAddress(browser, address);
  }
  switch ([method, noun, verb && (noun === 'cart' ? 'line' : verb)].filter(Boolean).join(' ')) {
    case 'GET products':
      return cart.getProduct(books, id);
    case 'PATCH cart line':
      return cart.setQuantity(books, visitor, verb ?? '', body);
    case 'DELETE cart line':
      return cart.removeItem(books, visitor, verb ?? '');
    case 'GET orders':
      return orders.shownOrder(orders.orderOf(books, visitor, id));
    case 'POST orders cancel':
      return orders.cancelOrder(books, visitor, id);
  }
  return refuse('route.notFound');
}

const parse = (body: RequestInit['body']) =>
  typeof body === 'string' ? (JSON.parse(body) as Record<string, unknown>) : {};

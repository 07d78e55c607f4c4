// The shop's operations by name. Each is one request.

import type {
  Cart,
  CheckoutIntent,
  CheckoutRequest,
  CodesOf,
  Customer,
  CustomerChanges,
  NewAddress,
  OpenSession,
  Order,
  OrderPage,
  PatchSession,
  PaySession,
  Product,
  ProductPage,
  Registration,
  SessionAnswer,
} from './api.js';
import type { Answer } from './failure.js';
import type { Asked, CallOptions, Fetch, Shop } from './request.js';
import { ask } from './request.js';
import type { CheckoutSession, CustomAttributes } from './session.js';

/** Where the shop is, and how it is reached. */
export interface TillOptions {
  /** Everything before `/api`; empty on the storefront's own origin. */
  baseUrl?: string;
  /** Instead of the global `fetch`: the stub, or one that adds headers. */
  fetch?: Fetch;
}

/** Which page of a list. */
export interface PageOptions extends CallOptions {
  /** The `nextCursor` of the page before. */
  cursor?: string | undefined;
  /** How many: products from 1 to 100, 24 unless told; orders from 1 to 50, 20 unless told. */
  limit?: number | undefined;
}

/** How a checkout session stands. */
export interface SessionState {
  /** The session; null where the visitor has none. */
  session: CheckoutSession | null;
  /**
   * Why the last try to pay came to nothing, in a sentence for the shopper, who may try again; or,
   * where a person looks at the payment (`reconciliationPending`), what is certain about her money.
   */
  paymentError: string | undefined;
  /** A person looks at the payment: it is not to be made again. */
  reconciliationPending: boolean;
}

/** The same of a session that is there. */
export type OpenedSession = SessionState & { session: CheckoutSession };

/** What changes in a session; what is not there stays as it is. */
export type SessionChanges = Omit<PatchSession, 'customAttributes'> & {
  customAttributes?: CustomAttributes;
};

const SESSIONS = '/api/checkout/sessions';
const CURRENT = `${SESSIONS}/current`;

/**
 * Stripe.js has made the token; none is sent where there is nothing to pay. `total` is what the page
 * showed the shopper when she clicked: where it costs something else by now nothing is charged.
 */
export type Means = Pick<PaySession, 'challenge'> & { total: number } & (
    | { gateway: 'stripe'; confirmation_token: string }
    | { gateway: 'manual' }
  );

/** Asks, with what the document says of the operation. */
type Call = <Value, Operation extends keyof CodesOf>(
  asked: Asked,
  options?: CallOptions,
) => Promise<Answer<Value, Operation>>;

/** The shop at `baseUrl`, for the visitor whose cookie the browser keeps. */
export function createTill({ baseUrl = '', fetch }: TillOptions = {}) {
  // Looked up at each call, and called as the browser's own function wants to be.
  const shop: Shop = {
    baseUrl: baseUrl.replace(/\/+$/, ''),
    fetch: fetch ?? ((url, init) => globalThis.fetch(url, init)),
  };
  const call = ((asked, options) => ask(shop, asked, options)) as Call;
  return {
    products: products(call),
    cart: cart(call),
    checkout: checkout(call),
    orders: orders(call),
    customers: customers(call),
    sessions: sessions(call),
  };
}

/** The shop, typed. */
export type Till = ReturnType<typeof createTill>;

function products(call: Call) {
  const page = (search: string | undefined, { cursor, limit, ...options }: PageOptions) =>
    call<ProductPage, 'list_products'>(
      { method: 'GET', path: `/api/products${query({ q: search, cursor, limit })}` },
      options,
    );

  return {
    /** A page of what is for sale. */
    list: (options: PageOptions = {}) => page(undefined, options),
    /** A page of the products with this text in name, number or description. */
    search: (text: string, options: PageOptions = {}) => page(text, options),
    /** One product. */
    get: (id: string, options?: CallOptions) =>
      call<Product, 'get_product'>(
        { method: 'GET', path: `/api/products/${encodeURIComponent(id)}` },
        options,
      ),
  };
}

function cart(call: Call) {
  return {
    /** The cart, brought up to date with the catalogue; lines that changed say so. */
    get: (options?: CallOptions) =>
      call<Cart, 'get_cart'>({ method: 'GET', path: '/api/cart' }, options),
    /** Puts so many more pieces of a product into the cart. */
    add: (productId: string, quantity = 1, options?: CallOptions) =>
      call<Cart, 'add_item'>(
        { method: 'POST', path: '/api/cart/items', body: { productId, quantity } },
        options,
      ),
    /** Sets how many pieces a line asks for, from 1 to 9999. */
    setQuantity: (lineId: string, quantity: number, options?: CallOptions) =>
      call<Cart, 'set_quantity'>(
        { method: 'PATCH', path: linePath(lineId), body: { quantity } },
        options,
      ),
    /** Takes a line out. */
    remove: (lineId: string, options?: CallOptions) =>
      call<Cart, 'remove_item'>({ method: 'DELETE', path: linePath(lineId) }, options),
    /** Takes everything out. */
    clear: (options?: CallOptions) =>
      call<Cart, 'clear_cart'>({ method: 'DELETE', path: '/api/cart' }, options),
  };
}

function checkout(call: Call) {
  return {
    /** Makes the cart an order and starts its payment; the same request again is the same order. */
    createIntent: (request: CheckoutRequest, options?: CallOptions) =>
      call<CheckoutIntent, 'start_intent'>(
        { method: 'POST', path: '/api/checkout/intent', body: request },
        options,
      ),
    /** The order, after the browser has confirmed its payment with Stripe. */
    confirm: (orderId: string, options?: CallOptions) =>
      call<Order, 'confirm_order'>(
        { method: 'POST', path: '/api/checkout/confirm', body: { orderId } },
        options,
      ),
    /** The order as it stands. */
    getOrder: getOrder(call),
  };
}

const getOrder =
  (call: Call) =>
  (id: string, { token, ...options }: CallOptions & { token?: string } = {}) =>
    call<Order, 'get_order'>(
      { method: 'GET', path: `/api/orders/${encodeURIComponent(id)}${query({ token })}` },
      options,
    );

function orders(call: Call) {
  return {
    /** The order as it stands; `token` is from the link in its receipt. */
    get: getOrder(call),
    /** A page of the orders of the customer who is signed in, newest first. */
    list: ({ cursor, limit, ...options }: PageOptions = {}) =>
      call<OrderPage, 'list_orders'>(
        { method: 'GET', path: `/api/orders${query({ cursor, limit })}` },
        options,
      ),
    /** Gives an unpaid order up. */
    cancel: (id: string, options?: CallOptions) =>
      call<Order, 'cancel_order'>(
        { method: 'POST', path: `/api/orders/${encodeURIComponent(id)}/cancel` },
        options,
      ),
  };
}

const CUSTOMERS = '/api/customers';
const ME = `${CUSTOMERS}/me`;
const addressPath = (id: string) => `${ME}/addresses/${encodeURIComponent(id)}`;

function customers(call: Call) {
  return {
    /** Asks for an account: a letter goes to the address, whose link leads to `verify`. */
    register: (request: Registration, options?: CallOptions) =>
      call<void, 'register'>({ method: 'POST', path: CUSTOMERS, body: request }, options),
    /** Follows the link of a letter, with the password of whoever asked for it, and signs in. */
    verify: (token: string, password: string, options?: CallOptions) =>
      call<Customer, 'verify'>(
        { method: 'POST', path: `${CUSTOMERS}/verify`, body: { token, password } },
        options,
      ),
    /** Signs in; the cart of this browser comes along. */
    signIn: (email: string, password: string, options?: CallOptions) =>
      call<Customer, 'login'>(
        { method: 'POST', path: `${CUSTOMERS}/login`, body: { email, password } },
        options,
      ),
    /** Signs out. */
    signOut: (options?: CallOptions) =>
      call<void, 'logout'>({ method: 'POST', path: `${CUSTOMERS}/logout` }, options),
    /** Has a link sent by which another password can be chosen: `resetPassword`. */
    forgotPassword: (email: string, options?: CallOptions) =>
      call<void, 'ask_reset'>(
        { method: 'POST', path: `${CUSTOMERS}/reset`, body: { email } },
        options,
      ),
    /** Follows such a link. She is signed in nowhere afterwards. */
    resetPassword: (token: string, password: string, options?: CallOptions) =>
      call<void, 'finish_reset'>(
        { method: 'POST', path: `${CUSTOMERS}/reset/finish`, body: { token, password } },
        options,
      ),
    /** The customer who is signed in. */
    get: (options?: CallOptions) =>
      call<Customer, 'get_customer'>({ method: 'GET', path: ME }, options),
    /** Changes what she says of herself; another address counts once it is proven. */
    update: (changes: CustomerChanges, options?: CallOptions) =>
      call<Customer, 'change_customer'>({ method: 'PATCH', path: ME, body: changes }, options),
    /** Deletes the account; her orders stay with the shop. */
    remove: (password: string, options?: CallOptions) =>
      call<void, 'delete_customer'>({ method: 'DELETE', path: ME, body: { password } }, options),
    /** Keeps an address. */
    addAddress: (address: NewAddress, options?: CallOptions) =>
      call<Customer, 'add_address'>(
        { method: 'POST', path: `${ME}/addresses`, body: address },
        options,
      ),
    /** Replaces an address. */
    changeAddress: (id: string, address: NewAddress, options?: CallOptions) =>
      call<Customer, 'change_address'>(
        { method: 'PATCH', path: addressPath(id), body: address },
        options,
      ),
    /** Forgets an address. */
    removeAddress: (id: string, options?: CallOptions) =>
      call<Customer, 'remove_address'>({ method: 'DELETE', path: addressPath(id) }, options),
  };
}

function sessions(call: Call) {
  async function session<State extends SessionState, Operation extends keyof CodesOf>(
    asked: Asked,
    options?: CallOptions,
  ): Promise<Answer<State, Operation>> {
    const answer = await call<SessionAnswer, Operation>(asked, options);
    if (!answer.ok) return answer;
    const { data, paymentError, reconciliationPending = false } = answer.value;
    const value = { session: data?.session ?? null, paymentError, reconciliationPending };
    return { ok: true, value: value as State };
  }

  return {
    /** Opens a session on the visitor's cart. */
    open: (request: OpenSession = {}, options?: CallOptions) =>
      session<OpenedSession, 'open_session'>(
        { method: 'POST', path: SESSIONS, body: request },
        options,
      ),
    /** The visitor's session; null where there is none. */
    current: (options?: CallOptions) =>
      session<SessionState, 'current_session'>({ method: 'GET', path: CURRENT }, options),
    /** Says who buys and where it goes; what is not there stays as it is. */
    update: (changes: SessionChanges, options?: CallOptions) =>
      session<OpenedSession, 'patch_session'>(
        { method: 'PATCH', path: CURRENT, body: changes },
        options,
      ),
    /** Fills in how it can be sent. */
    shipping: (options?: CallOptions) =>
      session<OpenedSession, 'offer_shipping'>(
        { method: 'POST', path: `${CURRENT}/shipping` },
        options,
      ),
    /** Pays, in one step. A bank's no is a value with a `paymentError`. */
    pay: (means: Means, options?: CallOptions) =>
      session<OpenedSession, 'pay_session'>(
        { method: 'POST', path: `${CURRENT}/pay`, body: means },
        options,
      ),
    /** Goes on after the shopper has been at her bank's. */
    resume: (options?: CallOptions) =>
      session<OpenedSession, 'resume_payment'>(
        { method: 'POST', path: `${CURRENT}/resume-payment` },
        options,
      ),
    /** Gives a payment up that waits for the shopper's bank. */
    abandon: (options?: CallOptions) =>
      session<OpenedSession, 'abandon_payment'>(
        { method: 'POST', path: `${CURRENT}/abandon-payment` },
        options,
      ),
  };
}

const linePath = (id: string) => `/api/cart/items/${encodeURIComponent(id)}`;

function query(fields: Record<string, string | number | undefined>): string {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text && `?${text}`;
}

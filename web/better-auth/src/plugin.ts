// A shopper at Elastic Path as a session of better-auth without a database: her token and her cart
// are in a cookie that only the server can read, and what is answered to browsers is told from a list.

import type { BetterAuthPlugin, GenericEndpointContext } from 'better-auth';
import {
  APIError,
  createAuthEndpoint,
  createAuthMiddleware,
  getSessionFromCtx,
} from 'better-auth/api';
import { setSessionCookie } from 'better-auth/cookies';
import {
  ask,
  checkedHost,
  type EpAnswer,
  EpUnavailable,
  isEpId,
  mint,
  type Store,
} from './elastic-path.js';
import { redacted } from './redaction.js';

/** A token that ends sooner than this is replaced. */
const LEAST_SECONDS = 30;
/** As many pieces as the shop API takes. */
const QUANTITY_MAX = 9999;

const text = { type: 'string', required: false, input: false } as const;
const number = { type: 'number', required: false, input: false } as const;

/** What a session holds beside better-auth's own. */
interface EpFields {
  epAccessToken?: string | null;
  epClientId?: string | null;
  epHost?: string | null;
  epExpires?: number | null;
  epCartId?: string | null;
}

type Found = NonNullable<Awaited<ReturnType<typeof getSessionFromCtx>>>;
type Shopper = { session: Found['session'] & EpFields; user: Found['user'] };

/** The plugin. It needs no secret of the shop's. */
export function epPlugin(options: Store) {
  const store: Store = { ...options, host: checkedHost(options.host) };
  return {
    id: 'elastic-path',
    schema: {
      session: {
        fields: {
          epAccessToken: text,
          epClientId: text,
          epHost: text,
          epExpires: number,
          epCartId: text,
        },
      },
    },
    endpoints: { ...sessionEndpoints(store), ...cartEndpoints(store) },
    hooks: {
      after: [
        {
          matcher: () => true,
          handler: createAuthMiddleware(async (ctx) => redacted(ctx.context.returned)),
        },
      ],
    },
  } satisfies BetterAuthPlugin;
}

function sessionEndpoints(store: Store) {
  return {
    /** A session for somebody who has none. */
    epAnonymous: createAuthEndpoint('/ep/anonymous', { method: 'POST' }, async (ctx) =>
      ctx.json(await keep(ctx, await shopperOf(ctx, store))),
    ),
    /** The same session, for another week. */
    epRefresh: createAuthEndpoint('/ep/refresh', { method: 'POST' }, async (ctx) => {
      if (!(await getSessionFromCtx(ctx))) throw new APIError('UNAUTHORIZED');
      return ctx.json(await keep(ctx, await shopperOf(ctx, store)));
    }),
    /** Says which cart is the shopper's. */
    epCart: createAuthEndpoint('/ep/cart', { method: 'POST' }, async (ctx) => {
      const { cartId } = bodyOf(ctx);
      const shopper = await shopperOf(ctx, store);
      return ctx.json(await keep(ctx, shopper, { epCartId: named(cartId, 'cartId') }));
    }),
    /** For the storefront's own server, and not reachable from browsers: whom to call Elastic Path as. */
    epShopper: createAuthEndpoint({ method: 'GET', requireHeaders: true }, async (ctx) => {
      const { session } = await keep(ctx, await shopperOf(ctx, store));
      return { accessToken: session.epAccessToken ?? '', cartId: session.epCartId ?? null };
    }),
  };
}

function cartEndpoints(store: Store) {
  // Two first clicks at once are one cart.
  const beginning = new Map<string, Promise<string>>();
  const line = async (ctx: GenericEndpointContext, method: string, data?: object) => {
    const id = named(ctx.params?.id, 'id');
    const shopper = await shopperOf(ctx, store);
    const { epCartId } = shopper.session;
    if (!epCartId) throw new APIError('NOT_FOUND', { message: 'There is no cart.' });
    return tell(ctx, store, shopper, { method, path: `${cart(epCartId)}/items/${id}`, data });
  };
  return {
    /** The cart as Elastic Path shows it; without one nobody is asked. */
    epGetCart: createAuthEndpoint('/cart', { method: 'GET' }, async (ctx) => {
      const found = (await getSessionFromCtx(ctx)) as Shopper | null;
      const cartId = found?.session.epCartId;
      if (!cartId) return ctx.json({ data: null });
      const shopper = await shopperOf(ctx, store);
      return tell(ctx, store, shopper, { method: 'GET', path: `${cart(cartId)}?include=items` });
    }),
    /** Adds to the cart, which begins here. */
    epAddItem: createAuthEndpoint('/cart/items', { method: 'POST' }, async (ctx) => {
      const { productId, quantity = 1 } = bodyOf(ctx);
      // A price that a browser sends is not passed on.
      const item = { type: 'cart_item', id: named(productId, 'productId'), ...pieces(quantity) };
      const shopper = await shopperOf(ctx, store);
      const cartId = shopper.session.epCartId ?? (await begin(store, shopper, beginning));
      shopper.session.epCartId = cartId;
      const path = `${cart(cartId)}/items`;
      return tell(ctx, store, shopper, { method: 'POST', path, data: item });
    }),
    epSetQuantity: createAuthEndpoint('/cart/items/:id', { method: 'PUT' }, async (ctx) =>
      line(ctx, 'PUT', pieces(bodyOf(ctx).quantity)),
    ),
    epRemoveItem: createAuthEndpoint('/cart/items/:id', { method: 'DELETE' }, async (ctx) =>
      line(ctx, 'DELETE'),
    ),
  };
}

const cart = (id: string) => `/v2/carts/${named(id, 'cartId')}`;

/** Makes a cart for this shopper; a second caller waits for the first one's. */
function begin(store: Store, { session }: Shopper, beginning: Map<string, Promise<string>>) {
  const known = beginning.get(session.id);
  if (known) return known;
  const begun = reach(async () => {
    const token = session.epAccessToken ?? '';
    const asked = { method: 'POST', path: '/v2/carts', data: { name: 'Cart' } };
    const { status, body } = await ask(store, token, asked);
    const id = (body as { data?: { id?: unknown } } | null)?.data?.id;
    if (!isEpId(id)) throw new EpUnavailable(`Elastic Path makes no cart (${status})`);
    return id;
  }).finally(() => beginning.delete(session.id));
  beginning.set(session.id, begun);
  return begun;
}

/** The session of whoever asks, with a token that is good for a while; a new one for strangers. */
async function shopperOf(ctx: GenericEndpointContext, store: Store): Promise<Shopper> {
  const found = ((await getSessionFromCtx(ctx)) as Shopper | null) ?? stranger();
  const { epAccessToken, epClientId, epHost, epExpires } = found.session;
  const isOurs = epClientId === store.clientId && epHost === store.host;
  const lasts = (epExpires ?? 0) - Date.now() / 1000 > LEAST_SECONDS;
  if (epAccessToken && isOurs && lasts) return found;
  const { token, expires } = await reach(() => mint(store));
  const of = { epClientId: store.clientId, epHost: store.host };
  const session = { ...found.session, ...of, epAccessToken: token, epExpires: expires };
  // A cart of another store is none of this one's.
  if (epHost && !isOurs) session.epCartId = null;
  return { ...found, session };
}

function stranger(): Shopper {
  const now = new Date();
  const times = { createdAt: now, updatedAt: now };
  const userId = crypto.randomUUID();
  const token = `${crypto.randomUUID()}${crypto.randomUUID()}`;
  const email = `${userId}@anonymous.local`;
  return {
    session: { id: crypto.randomUUID(), userId, token, expiresAt: now, ...times },
    user: { id: userId, email, name: '', emailVerified: false, ...times },
  };
}

/** Writes the session back into its cookie, from now on for as long as sessions last. */
async function keep(
  ctx: GenericEndpointContext,
  { session, user }: Shopper,
  changes: EpFields = {},
): Promise<Shopper> {
  const now = Date.now();
  const expiresAt = new Date(now + ctx.context.sessionConfig.expiresIn * 1000);
  const kept = { ...session, ...changes, expiresAt, updatedAt: new Date(now) };
  await setSessionCookie(ctx, { session: kept, user });
  return { session: kept, user };
}

/** Asks Elastic Path as the shopper, and hands its answer on. */
async function tell(
  ctx: GenericEndpointContext,
  store: Store,
  shopper: Shopper,
  asked: Parameters<typeof ask>[2],
) {
  const token = shopper.session.epAccessToken ?? '';
  const { status, body } = await reach<EpAnswer>(() => ask(store, token, asked));
  await keep(ctx, shopper);
  ctx.setStatus(status === 204 ? 200 : (status as 200));
  return ctx.json(body as Record<string, unknown> | null);
}

async function reach<Value>(act: () => Promise<Value>): Promise<Value> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof EpUnavailable)) throw error;
    throw new APIError('BAD_GATEWAY', { message: 'The shop cannot be reached.' });
  }
}

const bodyOf = ({ body }: GenericEndpointContext): Record<string, unknown> =>
  typeof body === 'object' && body !== null ? body : {};

function named(id: unknown, field: string): string {
  if (isEpId(id)) return id;
  throw new APIError('BAD_REQUEST', { message: `${field} is not an id of Elastic Path's` });
}

function pieces(quantity: unknown): { quantity: number } {
  if (Number.isInteger(quantity)) {
    const count = Number(quantity);
    if (count >= 1 && count <= QUANTITY_MAX) return { quantity: count };
  }
  throw new APIError('BAD_REQUEST', { message: `quantity is 1 to ${QUANTITY_MAX}` });
}

// Elastic Path, as far as a storefront's own server calls it.

/** Where the store is, and who asks. */
export interface Store {
  /** Such as `https://euwest.api.elasticpath.com`. */
  host: string;
  clientId: string;
  /** Instead of the global one. */
  fetch?: typeof fetch;
}

/** A store that may be managed: on servers alone. */
export interface ManagedStore extends Store {
  clientSecret: string;
}

/** A token, and when it ends, in seconds since 1970. */
export interface AccessToken {
  token: string;
  expires: number;
}

/** What Elastic Path answered. */
export interface EpAnswer {
  status: number;
  body: unknown;
}

/** Elastic Path gave no token, or no answer. */
export class EpUnavailable extends Error {
  override readonly name = 'EpUnavailable';
}

/** Longer than this nobody waits for a page. */
const TIMEOUT_MS = 10_000;

/** `createAnAccessToken`, as a shopper or, with the secret, as the shop. */
export async function mint(store: Store | ManagedStore): Promise<AccessToken> {
  const grant =
    'clientSecret' in store
      ? { grant_type: 'client_credentials', client_secret: store.clientSecret }
      : { grant_type: 'implicit' };
  const { status, body } = await send(store, '/oauth/access_token', {
    method: 'POST',
    body: new URLSearchParams({ client_id: store.clientId, ...grant }),
  });
  const { access_token: token, expires_in: seconds } = (body ?? {}) as Record<string, unknown>;
  if (status !== 200 || typeof token !== 'string' || typeof seconds !== 'number') {
    throw new EpUnavailable(`Elastic Path gives no token (${status})`);
  }
  return { token, expires: Math.floor(Date.now() / 1000) + seconds };
}

/** Asks as the shopper with this token. */
export function ask(
  store: Store,
  token: string,
  { method, path, data }: { method: string; path: string; data?: unknown },
): Promise<EpAnswer> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const init: RequestInit = { method, headers };
  if (data !== undefined) init.body = JSON.stringify({ data });
  return send(store, path, init);
}

/** Carts and lines are named in paths: nothing else may get there. */
export const isEpId = (id: unknown): id is string =>
  typeof id === 'string' && /^[0-9A-Za-z_-]{1,128}$/.test(id);

async function send(store: Store, path: string, init: RequestInit): Promise<EpAnswer> {
  const call = store.fetch ?? fetch;
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await call(store.host + path, { ...init, signal, redirect: 'error' });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : JSON.parse(text) };
  } catch (cause) {
    // What was asked holds secrets; what went wrong is enough.
    throw new EpUnavailable('Elastic Path does not answer', { cause });
  }
}

/** A host as it may be called: encrypted, unless it is this machine. */
export function checkedHost(host: string): string {
  const { protocol, hostname, origin } = new URL(host);
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  if (protocol !== 'https:' && !isHere) throw new Error(`${origin} is not encrypted`);
  return origin;
}

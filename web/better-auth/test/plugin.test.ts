import { epPlugin } from '@till/better-auth';
import { betterAuth } from 'better-auth';
import { getCookieCache } from 'better-auth/cookies';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ORIGIN, openBrowser, openStore, type Store } from './store.js';

const SECRET = 'a secret of better-auth that is long enough';

let store: Store;
beforeEach(async () => {
  store = await openStore();
});
afterEach(() => {
  store.close();
});

function openAuth({ host = store.host, clientId = 'client' } = {}) {
  return betterAuth({
    secret: SECRET,
    baseURL: ORIGIN,
    basePath: '/api/ep',
    logger: { disabled: true },
    // In tests better-auth leaves it out unless it is told.
    advanced: { disableOriginCheck: false },
    session: { cookieCache: { enabled: true, strategy: 'jwe', maxAge: 604_800 } },
    plugins: [epPlugin({ host, clientId })],
  });
}

function open() {
  const auth = openAuth();
  return { auth, browser: openBrowser(auth.handler) };
}

type Browser = ReturnType<typeof openBrowser>;

/** What the cookie holds, as Till reads it. */
async function kept({ headers }: Browser) {
  const config = { secret: SECRET, strategy: 'jwe', isSecure: false } as const;
  return (await getCookieCache(headers(), config))?.session as Record<string, unknown> | undefined;
}

describe('a stranger', () => {
  it('gets a session, and no token', async () => {
    const { browser } = open();
    expect((await browser.send('GET /get-session')).body).toBeNull();
    const { status, body } = await browser.send('POST /ep/anonymous');
    expect([status, body.user.email]).toEqual([200, `${body.user.id}@anonymous.local`]);
    const session = await kept(browser);
    expect(session).toMatchObject({ epClientId: 'client', epHost: store.host });
    expect(session?.epAccessToken).toContain('a-shopper-s-token');
    const told = ['createdAt', 'epExpires', 'expiresAt', 'id', 'updatedAt', 'userId'];
    expect(Object.keys(body.session).sort()).toEqual(told);
    const again = await browser.send('GET /get-session');
    expect(Object.keys(again.body.session).sort()).toEqual(told);
    await browser.send('POST /ep/refresh');
    await browser.send('POST /ep/cart', { cartId: 'cart-9' });
    await browser.send('POST /update-session', { epAccessToken: 'x' });
    await browser.send('GET /list-sessions');
    for (const text of browser.seen) expect(text).not.toContain('a-shopper-s-token');
    expect((await kept(browser))?.epAccessToken).toBe(session?.epAccessToken);
  });

  it('has no cart before something is put into it', async () => {
    const { browser } = open();
    expect(await browser.send('GET /cart')).toEqual({ status: 200, body: { data: null } });
    await browser.send('POST /ep/anonymous');
    expect((await kept(browser))?.epCartId ?? null).toBeNull();
    expect(store.calls()).toEqual([]);
    const added = await browser.send('POST /cart/items', { productId: 'mug-1', quantity: 2 });
    expect(added).toEqual({ status: 201, body: { data: [{ id: 'line-1' }] } });
    const cartId = (await kept(browser))?.epCartId;
    expect(store.calls()).toEqual(['POST /v2/carts', `POST /v2/carts/${cartId}/items`]);
    expect((await browser.send('GET /get-session')).body.session.epCartId).toBe(cartId);
  });

  it('begins one cart with two clicks at once', async () => {
    const { browser } = open();
    await browser.send('POST /ep/anonymous');
    await Promise.all([
      browser.send('POST /cart/items', { productId: 'mug' }),
      browser.send('POST /cart/items', { productId: 'lamp' }),
    ]);
    expect(store.calls().filter((call) => call === 'POST /v2/carts')).toHaveLength(1);
  });

  it('is turned away from another site', async () => {
    const { auth } = open();
    const headers = { origin: 'https://elsewhere.example', cookie: 'a=b' };
    const init = { method: 'POST', headers };
    const { status } = await auth.handler(new Request(`${ORIGIN}/api/ep/ep/anonymous`, init));
    expect(status).toBe(403);
    expect(store.asked).toEqual([]);
  });
});

describe('a shopper', () => {
  it('changes her cart, and sends neither a price nor a path', async () => {
    const { browser } = open();
    await browser.send('POST /cart/items', { productId: 'mug', price: 1, type: 'custom_item' });
    const item = store.asked.at(-1);
    expect(JSON.parse(item?.body ?? '')).toEqual({
      data: { type: 'cart_item', id: 'mug', quantity: 1 },
    });
    expect(item?.authorization).toMatch(/^Bearer a-shopper-s-token/);
    const cart = `/v2/carts/${(await kept(browser))?.epCartId}`;
    await browser.send('PUT /cart/items/line-1', { quantity: 3 });
    await browser.send('GET /cart');
    expect(await browser.send('DELETE /cart/items/line-1')).toMatchObject({ status: 200 });
    expect(store.calls().slice(2)).toEqual([
      `PUT ${cart}/items/line-1`,
      `GET ${cart}?include=items`,
      `DELETE ${cart}/items/line-1`,
    ]);
    const before = store.asked.length;
    for (const [call, body] of [
      ['POST /cart/items', { productId: '../orders' }],
      ['POST /cart/items', { productId: 'mug', quantity: 0 }],
      ['POST /cart/items', { productId: 'mug', quantity: 1.5 }],
      ['PUT /cart/items/..%2F..%2Forders', { quantity: 1 }],
      ['POST /ep/cart', { cartId: '..%2Forders' }],
      ['POST /ep/cart', {}],
    ] as const) {
      expect((await browser.send(call, body)).status).toBe(400);
    }
    expect(store.asked.length).toBe(before);
  });

  it('keeps her token until it is about to end', async () => {
    const { browser } = open();
    await browser.send('POST /ep/anonymous');
    await browser.send('POST /ep/anonymous');
    await browser.send('POST /cart/items', { productId: 'mug' });
    await browser.send('POST /ep/refresh');
    expect(store.mints()).toBe(1);
    const before = await kept(browser);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + (3600 - 29) * 1000 });
    try {
      await browser.send('POST /ep/refresh');
      const after = await kept(browser);
      expect(store.mints()).toBe(2);
      expect(after?.epAccessToken).not.toBe(before?.epAccessToken);
      expect([after?.id, after?.epCartId]).toEqual([before?.id, before?.epCartId]);
      const end = (session: typeof after) => Date.parse(String(session?.expiresAt));
      expect(end(after)).toBeGreaterThan(end(before));
    } finally {
      vi.useRealTimers();
    }
  });

  it('leaves her cart behind at another store', async () => {
    const { browser } = open();
    await browser.send('POST /cart/items', { productId: 'mug' });
    const other = await openStore();
    const moved = openBrowser(openAuth({ host: other.host }).handler);
    for (const [name, value] of browser.cookies) moved.cookies.set(name, value);
    await moved.send('POST /ep/refresh');
    expect(await kept(moved)).toMatchObject({ epHost: other.host, epCartId: null });
    expect(other.mints()).toBe(1);
    other.close();
  });

  it('keeps her session when Elastic Path is down', async () => {
    const { browser } = open();
    await browser.send('POST /cart/items', { productId: 'mug' });
    const before = await kept(browser);
    store.settings.isDown = true;
    expect((await browser.send('GET /cart')).status).toBe(500);
    const stranger = openBrowser(openAuth().handler);
    expect(await stranger.send('POST /ep/anonymous')).toMatchObject({
      status: 502,
      body: { message: 'The shop cannot be reached.' },
    });
    expect((await kept(browser))?.epCartId).toBe(before?.epCartId);
  });

  it('without a session cannot refresh one, or touch a line', async () => {
    const { browser } = open();
    expect((await browser.send('POST /ep/refresh')).status).toBe(401);
    expect((await browser.send('DELETE /cart/items/line-1')).status).toBe(404);
  });
});

describe('the storefront’s own server', () => {
  it('is told whom to ask as, and no browser is', async () => {
    const { auth, browser } = open();
    await browser.send('POST /cart/items', { productId: 'mug' });
    const session = await kept(browser);
    expect(await auth.api.epShopper({ headers: browser.headers() })).toEqual({
      accessToken: session?.epAccessToken,
      cartId: session?.epCartId,
    });
    const whole = await auth.api.getSession({ headers: browser.headers() });
    expect(Object.keys(whole?.session ?? {})).not.toContain('epAccessToken');
    for (const path of ['/ep/shopper', '/epShopper', '/:virtual', '/']) {
      expect((await browser.send(`GET ${path}`)).status).toBe(404);
    }
  });

  it('does not start with a store that would be asked in the clear', () => {
    expect(() => epPlugin({ host: 'http://euwest.api.elasticpath.com', clientId: 'c' })).toThrow(
      'not encrypted',
    );
  });
});

// The storefront's better-auth beside Till and the simulated Elastic Path, on one origin as a browser
// sees it.

import { epPlugin } from '@till/better-auth';
import { betterAuth } from 'better-auth';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTill, orThrow } from '../../client/src/index.js';
import { SESSION_ADDRESS } from '../../client/test/contract/shopper.js';
import { freePorts, Programs } from '../../client/test/server.js';
import { ORIGIN, openBrowser } from './store.js';

const till = process.env.TILL_BINARY;
const SECRET = 'a secret of better-auth that is long enough';
const CLIENT_ID = 'ep_till_client_0123456789abcdef';

describe.skipIf(!till)('a cart at Elastic Path', () => {
  let programs: Programs;
  let shopUrl = '';
  let host = '';

  beforeAll(async () => {
    programs = await Programs.of(till ?? '');
    const [shopPort, storePort] = await freePorts();
    shopUrl = `http://127.0.0.1:${shopPort}`;
    host = `http://127.0.0.1:${storePort}`;
    const atStore = ['simulate', 'elastic-path', '--listen', `127.0.0.1:${storePort}`];
    await programs.start(atStore, {}, `${host}/_sim/modes`);
    const env = {
      DATABASE_URL: `sqlite://${programs.folder}/till.db`,
      TILL_BACKEND: 'elastic-path',
      TILL_LISTEN: `127.0.0.1:${shopPort}`,
      TILL_PUBLIC_URL: ORIGIN,
      TILL_SECRET: 'a secret of thirty-two characters',
      TILL_SHIPPING: '*:5.99',
      TILL_CURRENCY: 'USD',
      EP_API_BASE_URL: host,
      EP_CLIENT_ID: CLIENT_ID,
      EP_CLIENT_SECRET: 'ep_till_secret_0123456789abcdef',
      BETTER_AUTH_SECRET: SECRET,
    };
    await programs.start(['serve'], env, `${shopUrl}/readyz`);
  });
  afterAll(() => programs.close());

  it('is kept by better-auth, paid by Till, and gone from the cookie then', async () => {
    const auth = betterAuth({
      secret: SECRET,
      baseURL: ORIGIN,
      basePath: '/api/ep',
      session: { cookieCache: { enabled: true, strategy: 'jwe', maxAge: 604_800 } },
      plugins: [epPlugin({ host, clientId: CLIENT_ID })],
    });
    const browser = openBrowser(auth.handler);
    const { sessions } = createTill({
      fetch: async (url, init) => {
        const response = await fetch(shopUrl + url, { ...init, headers: browser.headers() });
        browser.take(response);
        return response;
      },
    });
    const cartId = async () =>
      (await browser.send('GET /get-session')).body.session.epCartId ?? null;

    await browser.send('POST /ep/anonymous');
    const { accessToken } = await auth.api.epShopper({ headers: browser.headers() });
    const headers = { authorization: `Bearer ${accessToken}` };
    const { data } = await (await fetch(`${host}/catalog/products`, { headers })).json();
    const productId = data[0].id;
    expect(await browser.send('POST /cart/items', { productId, quantity: 2 })).toMatchObject({
      status: 201,
    });
    const bought = await cartId();
    expect((await browser.send('GET /cart')).body.data.id).toBe(bought);

    expect(orThrow(await sessions.open()).session.cartId).toBe(bought);
    const customerInfo = { name: 'Ada Beispiel', email: 'ada@example.org' };
    const addresses = { shippingAddress: SESSION_ADDRESS, billingAddress: SESSION_ADDRESS };
    orThrow(await sessions.update({ customerInfo, ...addresses }));
    const offered = orThrow(await sessions.shipping()).session.availableShippingRates;
    const selectedShippingRateId = offered[0]?.id ?? '';
    const { session } = orThrow(await sessions.update({ selectedShippingRateId }));
    const total = session.totals?.total ?? 0;
    const paid = orThrow(
      await sessions.pay({ gateway: 'stripe', confirmation_token: 'ctoken_ok', total }),
    );
    expect([paid.session.status, paid.session.payment.status]).toEqual(['complete', 'succeeded']);
    expect(await cartId()).toBeNull();

    await browser.send('POST /cart/items', { productId });
    expect(await cartId()).not.toBe(bought);
    for (const text of browser.seen) expect(text).not.toContain(accessToken);
  });
});

import { expect, it, vi } from 'vitest';
import { ORIGIN, openBrowser, openStore } from './store.js';

it('the auth.ts of the README serves a shopper and her cart', async () => {
  const store = await openStore();
  vi.stubEnv('EP_API_BASE_URL', store.host);
  vi.stubEnv('EP_CLIENT_ID', 'client');
  vi.stubEnv('NEXT_PUBLIC_BASE_URL', ORIGIN);
  vi.stubEnv('BETTER_AUTH_SECRET', 'a secret of better-auth that is long enough');
  const { auth } = await import('../examples/auth.js');
  const browser = openBrowser(auth.handler);
  expect((await browser.send('POST /cart/items', { productId: 'mug' })).status).toBe(201);
  expect((await browser.send('GET /cart')).body).toEqual({ data: [{ id: 'line-1' }] });
  store.close();
  vi.unstubAllEnvs();
});

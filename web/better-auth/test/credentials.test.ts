import { forRequest } from '@till/better-auth';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openStore, type Store } from './store.js';

let store: Store;
beforeEach(async () => {
  store = await openStore();
  vi.stubEnv('EP_API_BASE_URL', store.host);
  vi.stubEnv('EP_CLIENT_ID', 'client');
  vi.stubEnv('EP_CLIENT_SECRET', 'secret');
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  store.close();
});

const minted = () => store.mints('client_credentials');

it('mints once in a request, however many ask and whenever', async () => {
  const { getClientCredentialsToken } = forRequest();
  expect(minted()).toBe(0);
  const tokens = await Promise.all([getClientCredentialsToken(), getClientCredentialsToken()]);
  tokens.push(await getClientCredentialsToken());
  expect(new Set(tokens).size).toBe(1);
  expect(tokens[0]).toContain('the-shop-s-token');
  expect(minted()).toBe(1);
});

it('keeps nothing for the next request', async () => {
  const first = await forRequest().getClientCredentialsToken();
  const second = await forRequest().getClientCredentialsToken();
  expect(second).not.toBe(first);
  expect(minted()).toBe(2);
});

it('tries again in the same request after Elastic Path was down, and tells no secret', async () => {
  const { getClientCredentialsToken } = forRequest();
  store.settings.isDown = true;
  const error = await getClientCredentialsToken().catch((thrown) => thrown);
  expect(String(error)).toBe('EpUnavailable: Elastic Path gives no token (500)');
  store.settings.isDown = false;
  expect(await getClientCredentialsToken()).toContain('the-shop-s-token');
});

it('refuses a secret that is missing, that browsers would get, or in a browser', () => {
  vi.stubEnv('EP_CLIENT_SECRET', '');
  expect(() => forRequest()).toThrow('EP_CLIENT_SECRET is not set');
  vi.stubEnv('NEXT_PUBLIC_EP_CLIENT_SECRET', 'secret');
  expect(() => forRequest()).toThrow('NEXT_PUBLIC_EP_CLIENT_SECRET would be sent to browsers');
  vi.stubGlobal('document', {});
  const known = { host: store.host, clientId: 'client', clientSecret: 'secret' };
  expect(() => forRequest(known)).toThrow('for servers alone');
});

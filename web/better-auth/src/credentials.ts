// The shop's own token, for servers that call Elastic Path themselves.

import { checkedHost, type ManagedStore, mint } from './elastic-path.js';

/** What one request may ask for. */
export interface RequestCredentials {
  /** The shop's token: minted when it is first asked for, and once, however many ask. */
  getClientCredentialsToken(): Promise<string>;
}

/**
 * The credentials of one request. Nothing is kept: the next request calls this again, and mints anew.
 * Without arguments they are `EP_CLIENT_ID`, `EP_CLIENT_SECRET` and `EP_API_BASE_URL`.
 */
export function forRequest(store: ManagedStore = storeOfEnvironment()): RequestCredentials {
  if ('document' in globalThis) throw new Error('the shop’s secret is for servers alone');
  const host = checkedHost(store.host);
  let minted: Promise<string> | undefined;
  return {
    getClientCredentialsToken() {
      minted ??= mint({ ...store, host }).then(
        ({ token }) => token,
        (error) => {
          // Whoever asks next in the same request tries again.
          minted = undefined;
          throw error;
        },
      );
      return minted;
    },
  };
}

function storeOfEnvironment(): ManagedStore {
  const { env } = process;
  const isPublic = Object.keys(env).find((name) => /^NEXT_PUBLIC_.*CLIENT_SECRET/.test(name));
  if (isPublic) throw new Error(`${isPublic} would be sent to browsers: take the prefix away`);
  const [host, clientId, clientSecret] = [
    'EP_API_BASE_URL',
    'EP_CLIENT_ID',
    'EP_CLIENT_SECRET',
  ].map((name) => {
    const value = env[name];
    if (!value) throw new Error(`${name} is not set`);
    return value;
  }) as [string, string, string];
  return { host, clientId, clientSecret };
}

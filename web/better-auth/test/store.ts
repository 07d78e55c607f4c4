// An Elastic Path that gives tokens and keeps carts, and a browser that keeps cookies.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const TOKENS = { implicit: 'a-shopper-s-token', client_credentials: 'the-shop-s-token' } as const;

/** Everything that was asked, such as `POST /v2/carts`, and what with. */
export interface Asked {
  call: string;
  body: string;
  authorization: string | undefined;
}

export type Store = Awaited<ReturnType<typeof openStore>>;

export async function openStore() {
  const asked: Asked[] = [];
  const settings = { expires_in: 3600, isDown: false };
  let made = 0;
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      const { method, url, headers } = request;
      asked.push({ call: `${method} ${url}`, body, authorization: headers.authorization });
      const [status, said] = settings.isDown ? [500, {}] : answer(`${method} ${url}`, body);
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(status === 204 ? undefined : JSON.stringify(said));
    });
  });
  function answer(call: string, body: string): [number, unknown] {
    made += 1;
    if (call === 'POST /oauth/access_token') {
      const form = new URLSearchParams(body);
      const grant = form.get('grant_type') as keyof typeof TOKENS;
      const isKnown = grant === 'implicit' || form.get('client_secret') === 'secret';
      if (form.get('client_id') !== 'client' || !isKnown) return [401, { errors: [] }];
      const { expires_in } = settings;
      const access_token = `${TOKENS[grant]}-${made}`;
      return [200, { access_token, expires_in, token_type: 'Bearer', identifier: grant }];
    }
    if (call === 'POST /v2/carts') return [201, { data: { id: `cart-${made}`, type: 'cart' } }];
    if (call.startsWith('DELETE')) return [204, undefined];
    return [call.startsWith('POST') ? 201 : 200, { data: [{ id: 'line-1' }] }];
  }
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const mints = (grant = 'implicit') =>
    asked.filter(({ call, body }) => call.includes('oauth') && body.includes(`=${grant}`)).length;
  const calls = () => asked.map(({ call }) => call).filter((call) => !call.includes('oauth'));
  return { host, asked, mints, calls, settings, close: () => server.close() };
}

/** Answers a request, as better-auth does. */
type Handler = (request: Request) => Promise<Response>;

export const ORIGIN = 'http://localhost:3456';

/** A browser on the storefront's origin. Every byte it ever gets is in `seen`. */
export function openBrowser(handler: Handler) {
  const cookies = new Map<string, string>();
  const seen: string[] = [];
  const headers = () => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    return new Headers({ origin: ORIGIN, cookie, 'content-type': 'application/json' });
  };
  const take = (response: Response) => {
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (/max-age=0/i.test(cookie)) cookies.delete(name);
      else cookies.set(name, value);
    }
  };
  async function send(call: string, body?: object) {
    const [method = '', path = ''] = call.split(' ');
    const init = { method, headers: headers(), ...(body && { body: JSON.stringify(body) }) };
    const response = await handler(new Request(`${ORIGIN}/api/ep${path}`, init));
    take(response);
    const text = await response.text();
    seen.push(text, ...response.headers.getSetCookie());
    return { status: response.status, body: text ? JSON.parse(text) : null };
  }
  return { send, take, cookies, headers, seen };
}

// What a call comes to, whatever comes back.

import { describe, expect, it } from 'vitest';
import type { Failure, Fetch } from '../src/index.js';
import { createTill, orThrow, TillError } from '../src/index.js';

/** A shop that answers everything so, and what it was asked. */
function answering(body: string, init: ResponseInit = {}) {
  const asked: { url: string; init: RequestInit }[] = [];
  const fetch: Fetch = async (url, sent) => {
    asked.push({ url, init: sent });
    return new Response(body, init);
  };
  return { asked, till: createTill({ baseUrl: 'https://shop.example/', fetch }) };
}

const failure = (code: string, more: object = {}) =>
  JSON.stringify({ error: { code, message: 'A sentence.', ...more } });

describe('a call', () => {
  it('sends the cookie, and JSON where there is something to say', async () => {
    const { asked, till } = answering('{}');
    await till.cart.add('p 1', 2);
    await till.cart.setQuantity('../l', 3);
    await till.products.search('a & b', { cursor: 'c', limit: 5 });
    expect(asked.map(({ url, init }) => [init.method, url, init.body, init.credentials])).toEqual([
      [
        'POST',
        'https://shop.example/api/cart/items',
        '{"productId":"p 1","quantity":2}',
        'include',
      ],
      ['PATCH', 'https://shop.example/api/cart/items/..%2Fl', '{"quantity":3}', 'include'],
      ['GET', 'https://shop.example/api/products?q=a+%26+b&cursor=c&limit=5', undefined, 'include'],
    ]);
  });

  it('gives the value of an answer, or throws its failure for those who want that', async () => {
    const good = await answering('{"id":"c"}').till.cart.get();
    expect(orThrow(good)).toEqual({ id: 'c' });
    const bad = await answering(failure('server.error'), { status: 500 }).till.cart.get();
    expect(() => orThrow(bad)).toThrow(TillError);
  });

  it('keeps code, sentence, status, details and how long to wait', async () => {
    const details = { lines: [{ lineId: 'l', productId: 'p', name: 'Mug' }] };
    const { till } = answering(failure('checkout.priceChanged', { details }), {
      status: 409,
      headers: { 'retry-after': '60' },
    });
    const answer = await till.checkout.createIntent({} as never);
    expect(answer).toEqual({
      ok: false,
      failure: {
        code: 'checkout.priceChanged',
        message: 'A sentence.',
        status: 409,
        retryAfterSeconds: 60,
        details,
      },
    });
  });

  it('shows the session or the challenge that comes with a failure of a session', async () => {
    const error = { code: 'CART_MISMATCH', message: 'M.' };
    const changed = { success: false, error, data: { session: { id: 's' } } };
    const mismatch = await answering(JSON.stringify(changed), { status: 409 }).till.sessions.pay({
      gateway: 'manual',
      total: 0,
    });
    expect(mismatch).toMatchObject({ failure: { details: { session: { id: 's' } } } });
    const challenge = { kind: 'turnstile', siteKey: 'k' };
    const asked = failure('CHALLENGE_REQUIRED', { challenge });
    const refused = await answering(asked, { status: 403 }).till.sessions.pay({
      gateway: 'manual',
      total: 0,
    });
    expect(refused).toMatchObject({ failure: { details: { challenge } } });
  });

  it('is repeated for nobody, whatever it comes to', async () => {
    for (const status of [429, 500, 503]) {
      const { asked, till } = answering(failure('server.unavailable'), { status });
      await till.cart.get();
      await till.cart.clear();
      expect(asked).toHaveLength(2);
    }
    let asked = 0;
    const fetch = () => {
      asked += 1;
      return Promise.reject(new TypeError('no route'));
    };
    expect(await createTill({ fetch }).cart.get()).toMatchObject({
      ok: false,
      failure: { code: 'network', cause: new TypeError('no route') },
    });
    expect(asked).toBe(1);
  });

  it('says that an answer is none of Till’s, and keeps it', async () => {
    const pages: [string, number][] = [
      ['<h1>Bad gateway</h1>', 502],
      ['<!doctype html>', 200],
      ['', 200],
      ['null', 500],
      [failure('coupon.expired'), 409],
      ['{"error":"no"}', 400],
      ['{"error":{"code":"server.error"}}', 500],
    ];
    for (const [text, status] of pages) {
      expect(await answering(text, { status }).till.cart.get()).toMatchObject({
        ok: false,
        failure: { code: 'unexpected', status, text },
      });
    }
  });

  it('ends when its signal says so, before and while the answer comes', async () => {
    const early = AbortSignal.abort();
    const honest: Fetch = async (_, { signal }) => {
      signal?.throwIfAborted();
      return new Response('{}');
    };
    const answer = await createTill({ fetch: honest }).cart.get({ signal: early });
    expect(answer).toMatchObject({ failure: { code: 'aborted' } });

    const late = new AbortController();
    const slow: Fetch = async (_, { signal }) => {
      const body = new ReadableStream({
        start: (stream) => signal?.addEventListener('abort', () => stream.error(signal.reason)),
      });
      return new Response(body);
    };
    const call = createTill({ fetch: slow }).cart.get({ signal: late.signal });
    late.abort();
    expect(await call).toMatchObject({ failure: { code: 'aborted' } });
  });
});

describe('the types', () => {
  it('let a switch exhaust what an operation can come to', async () => {
    const answer = await answering(failure('cartLine.notFound'), { status: 404 }).till.cart.remove(
      'l',
    );
    if (answer.ok) throw new Error('it was to fail');
    const { failure: failed } = answer;
    const said = ((): string => {
      switch (failed.code) {
        case 'cartLine.notFound':
          return 'gone already';
        case 'rate.limited':
          return `wait ${failed.retryAfterSeconds}`;
        case 'request.conflict':
          return 'it is being paid';
        case 'network':
        case 'aborted':
        case 'unexpected':
        case 'backend.unsupported':
        case 'request.crossOrigin':
        case 'request.methodNotAllowed':
        case 'route.notFound':
        case 'server.error':
        case 'server.unavailable':
          return failed.message;
        default:
          return failed satisfies never;
      }
    })();
    expect(said).toBe('gone already');
  });

  it('know the details of each code, and that other codes have none', () => {
    const about = (failed: Failure): unknown => {
      if (failed.code === 'checkout.priceChanged') {
        return failed.details.lines.map((line): number => line.newUnitPrice);
      }
      if (failed.code === 'checkout.stockChanged') {
        return failed.details?.lines.map((line): number => line.available);
      }
      if (failed.code === 'payment.declined') return failed.details satisfies undefined;
      // @ts-expect-error There is no such code.
      if (failed.code === 'checkout.cartFull') return undefined;
      return undefined;
    };
    expect(about({ code: 'aborted', message: '' })).toBeUndefined();
  });
});

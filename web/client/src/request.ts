// One request and its answer. Nothing is sent twice: whoever calls knows whether that is safe.

import { CODES } from './api.js';
import type { Failure, LocalCode, ShopCode } from './failure.js';
import type { CheckoutSession } from './session.js';

/** As much of `fetch` as is needed. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** What every call takes. */
export interface CallOptions {
  /** Gives the call up when it is aborted. */
  signal?: AbortSignal | undefined;
}

/** Where the shop is. */
export interface Shop {
  readonly baseUrl: string;
  readonly fetch: Fetch;
}

/** What to ask for. */
export interface Asked {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
}

type Outcome = { ok: true; value: unknown } | { ok: false; failure: Failure };

const SENTENCES: Record<LocalCode, string> = {
  network: 'The shop cannot be reached.',
  aborted: 'The request was given up.',
  unexpected: 'The shop has answered something that cannot be understood.',
};

/** Asks once. The value is what the shop's document says of it; nobody checks that here. */
export async function ask(
  shop: Shop,
  { method, path, body }: Asked,
  { signal }: CallOptions = {},
): Promise<Outcome> {
  // The visitor's cookie goes along to a shop on another host of the same site too.
  const init: RequestInit = { method, credentials: 'include', signal: signal ?? null };
  if (body !== undefined) {
    init.headers = { 'content-type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  let response: Response;
  let text: string;
  try {
    response = await shop.fetch(shop.baseUrl + path, init);
    text = await response.text();
  } catch (cause) {
    if (signal?.aborted) return failed({ code: 'aborted', message: SENTENCES.aborted });
    return failed({ code: 'network', message: SENTENCES.network, cause });
  }
  if (response.status === 204) return { ok: true, value: undefined };
  const parsed = parse(text);
  if (response.ok && parsed !== undefined) return { ok: true, value: parsed };
  const { status } = response;
  return failed(
    shopFailure(response, parsed) ?? {
      code: 'unexpected',
      message: SENTENCES.unexpected,
      status,
      text,
    },
  );
}

const failed = (failure: Failure): Outcome => ({ ok: false, failure });

/** What an error's body may hold, in either API. */
interface ErrorBody {
  error?: { code?: unknown; message?: unknown; details?: unknown; challenge?: unknown };
  data?: { session?: CheckoutSession | null };
}

function shopFailure(response: Response, body: unknown): Failure | undefined {
  const { error, data } = (body ?? {}) as ErrorBody;
  if (!isShopCode(error?.code) || typeof error.message !== 'string') return undefined;
  const wait = Number(response.headers.get('retry-after') ?? Number.NaN);
  return {
    code: error.code,
    message: error.message,
    status: response.status,
    retryAfterSeconds: Number.isNaN(wait) ? undefined : wait,
    // The session API keeps a challenge in the error, and shows a session that has changed.
    details:
      error.details ??
      (error.challenge ? { challenge: error.challenge } : undefined) ??
      (data?.session ? { session: data.session } : undefined),
  } as Failure;
}

const isShopCode = (code: unknown): code is ShopCode =>
  (CODES as readonly unknown[]).includes(code);

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

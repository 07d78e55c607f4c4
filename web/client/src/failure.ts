// What a call can come to: a value, or a failure that says by its code what is known of it.

import type {
  Challenge,
  ChangedLine,
  CodeOfAny,
  CodesOf,
  ErrorCode,
  SessionErrorCode,
} from './api.js';
import type { CheckoutSession } from './session.js';

/** A line whose price is not the one that the shopper saw. */
export type PriceChange = Required<
  Pick<ChangedLine, 'lineId' | 'productId' | 'name' | 'oldUnitPrice' | 'newUnitPrice'>
>;

/** A line that asks for more than there is; `lineId` where it stands in the cart already. */
export type Shortage = Pick<ChangedLine, 'lineId'> &
  Required<Pick<ChangedLine, 'productId' | 'name' | 'wanted' | 'available'>>;

/** What comes with a code. Where it may be missing the shop could not say more. */
export interface DetailsOf {
  'checkout.addressInvalid': { field: string };
  'checkout.amountTooSmall': { minimum: number } | undefined;
  'checkout.challengeRequired': { challenge: Challenge };
  'checkout.priceChanged': { lines: PriceChange[] };
  'checkout.stockChanged': { lines: Shortage[] } | undefined;
  'request.invalid': { field: string } | undefined;
  'request.conflict': { orderId: string } | undefined;
  CART_MISMATCH: { session: CheckoutSession } | undefined;
  CHALLENGE_REQUIRED: { challenge: Challenge };
  PAYMENT_STILL_REQUIRES_ACTION: { session: CheckoutSession } | undefined;
}

/** What the shop itself says went wrong. */
export type ShopCode = ErrorCode | SessionErrorCode;

/** What can go wrong on the way to the shop and back. */
export type LocalCode = 'network' | 'aborted' | 'unexpected';

/** A failure that the shop has answered with. */
export interface ShopFailure<Code extends ShopCode> {
  /** Never renamed; switch on it. */
  readonly code: Code;
  /** A sentence for the shopper. */
  readonly message: string;
  /** The status of the answer. */
  readonly status: number;
  /** How long to wait before asking again, where the shop says so. */
  readonly retryAfterSeconds: number | undefined;
  /** What helps to mend it. */
  readonly details: Code extends keyof DetailsOf ? DetailsOf[Code] : undefined;
}

/** No answer came: nobody knows whether the request was carried out. */
export interface NetworkFailure {
  readonly code: 'network';
  readonly message: string;
  /** What `fetch` said. */
  readonly cause: unknown;
}

/** The caller gave the request up by its signal; it may have been carried out all the same. */
export interface AbortedFailure {
  readonly code: 'aborted';
  readonly message: string;
}

/** The answer is none of Till's: a proxy's page, or a code younger than this client. */
export interface UnexpectedFailure {
  readonly code: 'unexpected';
  readonly message: string;
  /** The status of the answer. */
  readonly status: number;
  /** Its body. */
  readonly text: string;
}

/** A failure with one of these codes; without an argument, with any. */
export type Failure<Code extends ShopCode | LocalCode = ShopCode | LocalCode> =
  Code extends ShopCode
    ? ShopFailure<Code>
    : Extract<NetworkFailure | AbortedFailure | UnexpectedFailure, { code: Code }>;

/** How an operation of the document can fail. */
export type FailureOf<Operation extends keyof CodesOf> = Failure<
  CodesOf[Operation] | CodeOfAny | LocalCode
>;

/** What an operation came to. */
export type Answer<Value, Operation extends keyof CodesOf> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly failure: FailureOf<Operation> };

/** A failure as an exception, for callers that expect those. */
export class TillError extends Error {
  override readonly name = 'TillError';

  constructor(readonly failure: Failure) {
    super(`${failure.code}: ${failure.message}`);
  }
}

/** The value of an answer; a failure is thrown as a {@link TillError}. */
export function orThrow<Value>(
  answer: { ok: true; value: Value } | { ok: false; failure: Failure },
): Value {
  if (answer.ok) return answer.value;
  throw new TillError(answer.failure);
}

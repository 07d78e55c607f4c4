// From the cart to a paid order, as the states that a page shows. What has become of a payment only
// the server says: a browser that was told yes or no by Stripe asks it, and while nobody knows, the
// shopper reads that her payment is being looked at, never that it failed.

import type {
  Challenge,
  CheckoutIntent,
  CheckoutRequest,
  Failure,
  FailureOf,
  Order,
  Solution,
} from '@till/client';
import { onScopeDispose, type ShallowRef, shallowRef } from 'vue';
import { useCart } from './cart.js';
import { solutionOf } from './challenge.js';
import { useTill } from './till.js';

/** An intent with something to pay. */
export type PayableIntent = CheckoutIntent & { clientSecret: string };

/** Where a checkout stands. */
export type CheckoutState =
  /** The shopper fills in the form; `failure` says what was wrong with it. */
  | { step: 'cart'; failure?: Failure }
  /** The order is being made. */
  | { step: 'asking' }
  /** Prices or stock are not as she saw them: the cart's `changes`, for her to accept. */
  | { step: 'changed' }
  /** The Payment Element is shown; `message` says why the last try did not begin. */
  | { step: 'intent'; intent: PayableIntent; message?: string }
  /** Stripe.js is at work, or the server is asked what became of it. */
  | { step: 'confirming'; orderId: string }
  /** A bank said no; another card may be tried with the same intent. */
  | { step: 'declined'; intent: PayableIntent; message: string }
  /** Her bank wants to see her: `pay` with `stripe.handleNextAction`. */
  | { step: 'challenge'; intent: PayableIntent; message: string }
  /** The payment has arrived, or is under way, or nobody knows yet: never ask to pay again. */
  | { step: 'finishing'; orderId: string; order?: Order }
  | { step: 'paid'; order: Order }
  /** The order was cancelled, or its payment has failed for good, or was given back. */
  | { step: 'over'; order: Order }
  /** There is no such order of this visitor's. */
  | { step: 'unknown'; failure: Failure };

/** What `stripe.confirmPayment` and `stripe.handleNextAction` give. */
export interface StripeOutcome {
  error?: { message?: string | undefined } | undefined;
}

/** What a checkout is given. */
export interface CheckoutOptions {
  /**
   * Solves what the shop asks for while somebody tries out stolen cards, with Turnstile's widget for
   * instance. Work that it gives nothing for is done all the same.
   */
  solve?: ((challenge: Challenge) => Promise<Solution | undefined>) | undefined;
  /** Waiting, for tests that have no time. */
  wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Between two looks at an order whose event is late: at first often, then as often as is polite. */
const LOOK_AGAIN_MS = [1000, 2000, 4000, 8000];
const LOOK_AGAIN_MAX_MS = 15_000;
/** A shop that is not content after so many has something else against the order. */
const CHALLENGES_MAX = 2;

/** One checkout, for as long as its component lives. */
export function useCheckout({ solve, wait = sleep }: CheckoutOptions = {}) {
  const till = useTill();
  const cart = useCart();
  const state: ShallowRef<CheckoutState> = shallowRef({ step: 'cart' });
  const over = new AbortController();
  const { signal } = over;
  onScopeDispose(() => over.abort());
  let form: CheckoutRequest | undefined;
  let intent: PayableIntent | undefined;

  /** The shopper has filled in the form. The same form again is the same order. */
  async function start(request: CheckoutRequest): Promise<void> {
    if (isBusy()) return;
    form = request;
    state.value = { step: 'asking' };
    const answer = await ask(request);
    if (!answer.ok) return refused(answer.failure);
    const { clientSecret, orderId } = answer.value;
    if (!clientSecret) return look(orderId);
    intent = { ...answer.value, clientSecret };
    state.value = { step: 'intent', intent };
  }

  /** A challenge is solved and the same sent again; each solution counts once, so there may be another. */
  async function ask(request: CheckoutRequest) {
    let answer = await till.checkout.createIntent(request, { signal });
    for (let solved = 0; solved < CHALLENGES_MAX; solved += 1) {
      if (answer.ok || answer.failure.code !== 'checkout.challengeRequired') break;
      const asked = answer.failure.details.challenge;
      const solved = await solve?.(asked).catch(() => undefined);
      const challenge = solved ?? (await solutionOf(asked, signal));
      if (!challenge) break;
      answer = await till.checkout.createIntent({ ...request, challenge }, { signal });
    }
    return answer;
  }

  async function refused(failure: FailureOf<'start_intent'>): Promise<void> {
    switch (failure.code) {
      case 'checkout.priceChanged':
      case 'checkout.stockChanged':
        // The cart says what is different, and is up to date from then on.
        state.value = (await cart.refresh()) ? { step: 'changed' } : { step: 'cart', failure };
        return;
      case 'request.conflict':
        // Another order of this cart is being paid, in another tab perhaps: that one counts.
        if (failure.details) return look(failure.details.orderId);
    }
    state.value = { step: 'cart', failure };
  }

  /** The shopper agrees to what has changed, and goes on with the same form. */
  async function accept(): Promise<void> {
    if (state.value.step !== 'changed' || !form) return;
    const isAgreed = await cart.acceptChanges();
    if (state.value.step !== 'changed') return;
    if (isAgreed && cart.lines.length > 0) return start(form);
    state.value = isAgreed ? { step: 'cart' } : { step: 'changed' };
  }

  /** Pays: `confirm` calls `stripe.confirmPayment`, or `stripe.handleNextAction` at a challenge. */
  async function pay(confirm: (intent: PayableIntent) => Promise<StripeOutcome>): Promise<void> {
    const { step } = state.value;
    if (!intent || !['intent', 'declined', 'challenge'].includes(step)) return;
    const { orderId } = intent;
    state.value = { step: 'confirming', orderId };
    // Whatever Stripe.js says or throws, the server is asked: the money may have moved.
    const said = await confirm(intent).catch(messageOf);
    await look(orderId, said.error?.message);
  }

  /** Stripe's form does not come up: its payment may be under way, or made, by another page. */
  async function check(): Promise<void> {
    if (state.value.step !== 'intent') return;
    const asked = state.value.intent;
    const answer = await till.checkout.confirm(asked.orderId, { signal });
    if (!answer.ok || signal.aborted || state.value.step !== 'intent') return;
    if (standing(answer.value, asked, undefined).step !== 'intent') await look(asked.orderId);
  }

  /** The page that Stripe has sent the shopper back to, or one that was reloaded. */
  async function resume(orderId: string): Promise<void> {
    if (!isBusy()) await look(orderId);
  }

  /** Asks what became of the order, until it is known. */
  async function look(orderId: string, message?: string): Promise<void> {
    state.value = { step: 'confirming', orderId };
    for (let looks = 0; !signal.aborted; looks += 1) {
      const answer = await till.checkout.confirm(orderId, { signal });
      const next = answer.ok
        ? standing(answer.value, intent, message)
        : notYet(answer.failure, intent, orderId);
      if (signal.aborted) return;
      state.value = next;
      if (next.step !== 'finishing') break;
      const pause = LOOK_AGAIN_MS[looks] ?? LOOK_AGAIN_MAX_MS;
      await wait(Math.max(pause, answer.ok ? 0 : asToldMs(answer.failure)), signal);
    }
    // What was bought is no longer in the cart.
    if (state.value.step === 'paid') await cart.refresh();
  }

  const isBusy = () => ['asking', 'confirming', 'finishing'].includes(state.value.step);

  return { state, start, accept, pay, check, resume };
}

/** What an order says, where `intent` is the one that the page has. */
function standing(
  order: Order,
  intent: PayableIntent | undefined,
  message: string | undefined,
): CheckoutState {
  switch (order.status) {
    case 'paid':
      return { step: 'paid', order };
    case 'cancelled':
    case 'failed':
    case 'refunded':
      return { step: 'over', order };
    case 'pending':
      break;
  }
  switch (order.payment?.status) {
    case 'open':
      // Nothing was confirmed: the form was not complete, or the shopper came back too early.
      if (intent?.orderId !== order.id) return { step: 'cart' };
      return { step: 'intent', intent, ...(message !== undefined && { message }) };
    case 'failed':
    case 'cancelled':
      return { step: 'over', order };
    default:
      return { step: 'finishing', orderId: order.id, order };
  }
}

/** What follows from an order that is not shown. */
function notYet(
  failure: FailureOf<'confirm_order'>,
  intent: PayableIntent | undefined,
  orderId: string,
): CheckoutState {
  const { code, message } = failure;
  const known = intent?.orderId === orderId ? intent : undefined;
  switch (code) {
    case 'order.notFound':
    case 'backend.unsupported':
    case 'route.notFound':
      return { step: 'unknown', failure };
  }
  if (code !== 'payment.declined' && code !== 'payment.authRequired') {
    return { step: 'finishing', orderId };
  }
  // After a reload the same form gives the same intent again.
  if (!known) return { step: 'cart', failure };
  const step = code === 'payment.declined' ? 'declined' : 'challenge';
  return { step, intent: known, message };
}

/** A shop that is asked too often says when it wants to be asked again. */
function asToldMs(failure: Failure): number {
  return 'retryAfterSeconds' in failure ? (failure.retryAfterSeconds ?? 0) * 1000 : 0;
}

function messageOf(thrown: unknown): StripeOutcome {
  return { error: { message: thrown instanceof Error ? thrown.message : undefined } };
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((passed) => {
    const timer = setTimeout(passed, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      passed();
    });
  });
}

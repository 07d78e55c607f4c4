// One checkout session in the browser: what the server last said of it, and the way to a paid order.
// What became of a payment only the server says: whatever Stripe.js tells or throws, it is asked, and
// a payment whose answer was lost is looked for, never made again.

import type {
  Challenge,
  CheckoutSession,
  Failure,
  Means,
  SessionChanges,
  SessionState,
  Solution,
  Till,
} from '@till/client';

/** Why something did not come about. */
export interface CheckoutError {
  /** One of the server's, or `IN_FLIGHT`, `NO_GATEWAY`, `NO_SESSION`, or Stripe.js's own. */
  code: string;
  /** A sentence for the shopper. */
  message: string;
}

/** What a page shows. */
export interface CheckoutState {
  session: CheckoutSession | null;
  /** The server has not said yet whether there is a session. */
  isLoading: boolean;
  /** A payment is being made: no second one can be started. */
  isPaying: boolean;
  error: CheckoutError | null;
  /** Why the last try to pay came to nothing, in a sentence for the shopper. */
  paymentError: string | null;
  /** A person looks at the payment: it is not to be made again. */
  reconciliationPending: boolean;
}

/** What an action came to, in the shape of the server's own answers. */
export interface Outcome {
  success: boolean;
  data: { session: CheckoutSession | null };
  error?: CheckoutError;
  paymentError?: string;
  reconciliationPending?: true;
}

/** What `placeOrder` is given. */
export interface Confirmed {
  confirmation_token: string;
}

/** How the shopper pays: Stripe.js with its form. */
export interface Gateway {
  /** Makes the token of what she has typed, or says what is wrong with it. */
  confirm(): Promise<Confirmed | { error: CheckoutError }>;
  /** Leads her to her bank. */
  completeRequiresAction(clientToken: string): Promise<unknown>;
}

/** What pays. */
type WithWhat = { gateway: 'manual' } | ({ gateway: 'stripe' } & Confirmed);

/** What differs from one checkout to the next. */
export interface CheckoutOptions {
  /** Opens a session where there is none. */
  autoCreate?: boolean;
  /**
   * Solves what the shop asks for while somebody tries out stolen cards: Turnstile's widget, or work.
   * Without it, or where it gives nothing, the shopper reads that she cannot pay now.
   */
  solve?: (challenge: Challenge) => Promise<Solution | undefined>;
  /** Waiting, for tests that have no time. */
  wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Between two looks at a payment that is under way: at first often, then as often as is polite. */
const LOOK_AGAIN_MS = [1000, 2000, 4000, 8000];
const LOOK_AGAIN_MAX_MS = 15_000;
/** Each solution counts once and ends soon; a shop that still asks after so many will not be content. */
const SOLUTIONS_MAX = 3;

const NOTHING: CheckoutState = {
  session: null,
  isLoading: false,
  isPaying: false,
  error: null,
  paymentError: null,
  reconciliationPending: false,
};

/** A checkout, for as many components as show it. It is told of its page by `attach`. */
export class Checkout {
  #state: CheckoutState = { ...NOTHING, isLoading: true };
  #listeners = new Set<() => void>();
  #gateway: Gateway | undefined;
  #pages = 0;
  #left = new AbortController();
  #loaded: Promise<unknown> | undefined;
  #isFollowing = false;
  // One after the other: of two answers the later must not be overtaken by the earlier.
  #last: Promise<unknown> = Promise.resolve();
  readonly #autoCreate: boolean;
  readonly #solve: CheckoutOptions['solve'];
  readonly #wait: NonNullable<CheckoutOptions['wait']>;

  constructor(
    readonly till: Till,
    { autoCreate = true, solve, wait = sleep }: CheckoutOptions = {},
  ) {
    this.#autoCreate = autoCreate;
    this.#solve = solve;
    this.#wait = wait;
  }

  readonly state = (): CheckoutState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** A page shows it from now on, until it calls what it gets. React's StrictMode comes twice. */
  readonly attach = (): (() => void) => {
    this.#pages += 1;
    if (this.#left.signal.aborted) this.#left = new AbortController();
    this.#loaded ??= this.#then(() => this.#load());
    this.#follow();
    return () => {
      this.#pages -= 1;
      if (this.#pages === 0) this.#left.abort();
    };
  };

  /** The form that is there from now on, until it calls what it gets. */
  readonly registerGateway = (gateway: Gateway): (() => void) => {
    this.#gateway = gateway;
    return () => {
      if (this.#gateway === gateway) this.#gateway = undefined;
    };
  };

  /** Opens a session on the visitor's cart, or on this one at Elastic Path. */
  readonly createSession = (cartId?: string): Promise<Outcome> =>
    // A button in Studio may hand over its click.
    this.#then(async () =>
      this.#took(await this.till.sessions.open(typeof cartId === 'string' ? { cartId } : {})),
    );

  /** Says who buys and where it goes; what is not there stays as it is. */
  readonly updateSession = (changes: SessionChanges): Promise<Outcome> =>
    this.#then(async () => this.#took(await this.till.sessions.update(changes)));

  /** Fills in how it can be sent. */
  readonly calculateShipping = (): Promise<Outcome> =>
    this.#then(async () => this.#took(await this.till.sessions.shipping()));

  /** Pays, once however often it is called. Without a token the form is asked for one. */
  readonly placeOrder = (given?: Partial<Confirmed>): Promise<Outcome> => {
    // What the page shows at the click: nothing else is charged, whatever is learnt before it is sent.
    const total = this.#state.session?.totals?.total ?? 0;
    return this.#alone(async () => {
      const { session, reconciliationPending } = this.#state;
      if (!session) return this.#refused(refusal('NO_SESSION', 'There is no checkout yet.'));
      if (session.payment.status === 'requires_action') return this.#challenge(session);
      const isPaid = session.status === 'complete';
      if (isPaid || isUnderWay(session) || reconciliationPending) return this.#outcome();
      const means = await this.#means(session, given);
      return 'error' in means ? this.#refused(means.error) : this.#pay({ ...means, total });
    });
  };

  /** Goes on with a payment that waits for the shopper's bank, after a reload for instance. */
  readonly resumePayment = (): Promise<Outcome> =>
    this.#alone(async () => {
      const answer = await this.till.sessions.resume();
      if (answer.ok) return this.#took(answer);
      const { session } = this.#state;
      const isWaiting = answer.failure.code === 'PAYMENT_STILL_REQUIRES_ACTION';
      return isWaiting && session ? this.#challenge(session) : this.#refused(answer.failure);
    });

  /** Forgets what is shown. The server's session stays; `createSession` opens another. */
  readonly reset = (): void => {
    this.#set({ ...NOTHING, isPaying: this.#state.isPaying });
  };

  async #load(): Promise<void> {
    const { success } = await this.#look();
    if (!success) this.#loaded = undefined;
    const { session } = this.#state;
    const isMissing = !session || session.status === 'expired';
    if (success && isMissing && this.#autoCreate) this.#took(await this.till.sessions.open());
    if (session?.payment.status === 'requires_action') {
      // Her bank may have sent her back by a redirect. That it still waits is no news.
      const resumed = await this.till.sessions.resume();
      if (resumed.ok) this.#took(resumed);
    }
    this.#set({ isLoading: false });
    this.#follow();
  }

  async #means(
    { totals }: CheckoutSession,
    given: Partial<Confirmed> | undefined,
  ): Promise<WithWhat | { error: CheckoutError }> {
    if (totals?.total === 0) return { gateway: 'manual' };
    // As above: what is no token was not meant.
    if (typeof given?.confirmation_token === 'string') {
      return { gateway: 'stripe', confirmation_token: given.confirmation_token };
    }
    const gateway = this.#gateway;
    if (!gateway) return { error: refusal('NO_GATEWAY', 'The payment form is not ready yet.') };
    const confirmed = await gateway.confirm().catch(thrown);
    return 'error' in confirmed ? confirmed : { gateway: 'stripe', ...confirmed };
  }

  async #pay(means: Means): Promise<Outcome> {
    const answer = await this.#answerTo(means);
    if (!answer.ok && isUnknown(answer.failure)) return this.#look(answer.failure);
    this.#took(answer);
    const { session } = this.#state;
    if (answer.ok && session?.payment.status === 'requires_action') return this.#challenge(session);
    return this.#outcome();
  }

  /** What the shop says; nothing was charged where it wants a proof first, and the token is still good. */
  async #answerTo(means: Means) {
    let answer = await this.till.sessions.pay(means);
    for (let solutions = 0; solutions < SOLUTIONS_MAX; solutions += 1) {
      if (answer.ok || answer.failure.code !== 'CHALLENGE_REQUIRED') break;
      const challenge = await this.#solve?.(answer.failure.details.challenge).catch(
        () => undefined,
      );
      if (!challenge) break;
      answer = await this.till.sessions.pay({ ...means, challenge });
    }
    return answer;
  }

  /** Leads the shopper to her bank; a challenge that she has closed is given up. */
  async #challenge({ payment }: CheckoutSession): Promise<Outcome> {
    const gateway = this.#gateway;
    if (!gateway || !payment.clientToken) {
      return this.#refused(refusal('NO_GATEWAY', 'The payment form is not ready yet.'));
    }
    await gateway.completeRequiresAction(payment.clientToken).catch(thrown);
    const resumed = await this.till.sessions.resume();
    if (resumed.ok) return this.#took(resumed);
    if (resumed.failure.code !== 'PAYMENT_STILL_REQUIRES_ACTION') return this.#look();
    const abandoned = await this.till.sessions.abandon();
    return abandoned.ok ? this.#took(abandoned) : this.#look();
  }

  /** Asks how the session stands until there is an answer, or nobody waits for one. */
  async #look(failure?: Failure): Promise<Outcome> {
    for (let looks = 0; ; looks += 1) {
      const answer = await this.till.sessions.current();
      if (answer.ok) {
        this.#took(answer);
        const isUntouched = answer.value.session?.payment.status === 'idle';
        return failure && isUntouched ? this.#refused(failure) : this.#outcome();
      }
      const refused = this.#refused(answer.failure);
      if (this.#pages === 0 || isFinal(answer.failure)) return refused;
      await this.#wait(LOOK_AGAIN_MS[looks] ?? LOOK_AGAIN_MAX_MS, this.#left.signal);
    }
  }

  /** Looks again while a payment is under way, as long as there is a page. */
  async #follow(): Promise<void> {
    if (this.#isFollowing) return;
    this.#isFollowing = true;
    for (let looks = 0; this.#pages > 0; looks += 1) {
      const { session, isPaying } = this.#state;
      if (!session || !isUnderWay(session) || isPaying) break;
      await this.#wait(LOOK_AGAIN_MS[looks] ?? LOOK_AGAIN_MAX_MS, this.#left.signal);
      if (this.#pages === 0) break;
      const answer = await this.till.sessions.current();
      if (answer.ok) this.#took(answer);
    }
    this.#isFollowing = false;
  }

  /** One payment at a time, after everything that the shopper has said was saved. */
  async #alone(act: () => Promise<Outcome>): Promise<Outcome> {
    if (this.#state.isPaying) {
      const error = refusal('IN_FLIGHT', 'The payment is under way.');
      return { ...this.#outcome(), success: false, error };
    }
    const { reconciliationPending, paymentError } = this.#state;
    // What is certain about her money stays to be read.
    const said = reconciliationPending ? paymentError : null;
    this.#set({ isPaying: true, error: null, paymentError: said });
    try {
      await this.#last;
      return await act();
    } finally {
      this.#set({ isPaying: false });
      this.#follow();
    }
  }

  #then<Value>(act: () => Promise<Value>): Promise<Value> {
    const done = this.#last.then(act);
    this.#last = done;
    return done;
  }

  #took(answer: { ok: true; value: SessionState } | { ok: false; failure: Failure }): Outcome {
    if (!answer.ok) return this.#refused(answer.failure);
    const { session, paymentError = null, reconciliationPending } = answer.value;
    this.#set({ session, paymentError, reconciliationPending, error: null });
    return this.#outcome();
  }

  #refused(why: Failure | CheckoutError): Outcome {
    const { code, message } = why;
    const shown = 'details' in why ? sessionIn(why.details) : undefined;
    const session = code === 'SESSION_GONE' ? null : (shown ?? this.#state.session);
    this.#set({ session, error: { code, message } });
    return this.#outcome();
  }

  #outcome(): Outcome {
    const { session, error, paymentError, reconciliationPending } = this.#state;
    return {
      success: error === null,
      data: { session },
      ...(error && { error }),
      ...(paymentError !== null && { paymentError }),
      ...(reconciliationPending && { reconciliationPending }),
    };
  }

  #set(changes: Partial<CheckoutState>): void {
    this.#state = { ...this.#state, ...changes };
    for (const listener of this.#listeners) listener();
  }
}

/** The server is at it: there is nothing to do but to wait. */
export const isUnderWay = ({ status, payment }: CheckoutSession): boolean =>
  status === 'processing' || (status === 'open' && payment.status === 'pending');

/** Whether nobody knows what became of the request. */
const isUnknown = (failure: Failure): boolean => !('status' in failure) || failure.status >= 500;

/** Whether to ask again is of no use. */
const isFinal = (failure: Failure): boolean =>
  'status' in failure && failure.status < 500 && failure.code !== 'rate.limited';

const sessionIn = (details: unknown) =>
  (details as { session?: CheckoutSession } | undefined)?.session;

const refusal = (code: string, message: string): CheckoutError => ({ code, message });

function thrown(cause: unknown): { error: CheckoutError } {
  const message = cause instanceof Error ? cause.message : 'The payment form does not answer.';
  return { error: refusal('GATEWAY_ERROR', message) };
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((passed) => {
    if (signal.aborted) return passed();
    const timer = setTimeout(passed, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      passed();
    });
  });
}

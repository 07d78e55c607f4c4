// The bank's challenge, and where an intent goes from there.

import { retrieve } from './api.js';

/** @typedef {import('./api.js').Bag} Bag */
/** @typedef {import('./api.js').Identity} Identity */

/** How often a payment is looked at while its holder is asked. */
const LOOK_MS = 1000;

/** @returns {Promise<never>} the page is left */
const leave = (/** @type {string} */ url) => {
  location.assign(url);
  return new Promise(() => {});
};

/** The bank's page over the shop's. @param {string} page */
function showPage(page) {
  const dialog = document.createElement('dialog');
  const iframe = document.createElement('iframe');
  dialog.setAttribute('aria-label', '3-D Secure');
  Object.assign(dialog.style, {
    width: '100vw',
    height: '100dvh',
    maxWidth: 'none',
    maxHeight: 'none',
    margin: '0',
    border: '0',
    padding: '1rem',
    boxSizing: 'border-box',
    display: 'grid',
    placeItems: 'center',
    background: 'rgb(10 14 26 / 55%)',
  });
  Object.assign(iframe.style, {
    width: 'min(100%, 27rem)',
    height: 'min(100%, 32rem)',
    border: '0',
    borderRadius: '12px',
    boxShadow: '0 12px 40px rgb(0 0 0 / 35%)',
    background: 'Canvas',
  });
  iframe.title = '3-D Secure';
  iframe.name = '__stripeChallengeFrame';
  iframe.src = page;
  dialog.append(iframe);
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, iframe };
}

/**
 * Asks the card's holder, until she has answered or closed the question, which is an answer too.
 * @param {Identity} identity
 * @param {string} clientSecret
 * @param {string} page
 */
async function challenge(identity, clientSecret, page) {
  const { dialog, iframe } = showPage(page);
  const over = new AbortController();
  /** @type {PromiseWithResolvers<'answered' | 'closed'>} */
  const { promise: end, resolve } = Promise.withResolvers();
  const hear = (/** @type {MessageEvent} */ { source, data }) => {
    if (source !== iframe.contentWindow) return;
    if (data?.type === 'three_d_secure_done') resolve('answered');
    if (data?.type === 'three_d_secure_closed') resolve('closed');
  };
  addEventListener('message', hear, { signal: over.signal });
  dialog.addEventListener('cancel', () => resolve('closed'));
  // It may be answered elsewhere, as on the holder's telephone.
  const looking = setInterval(async () => {
    const intent = await retrieve(identity, clientSecret);
    if (intent.status && intent.status !== 'requires_action') resolve('answered');
  }, LOOK_MS);
  if ((await end) === 'closed') {
    const body = new URLSearchParams({ outcome: 'fail' });
    await fetch(page, { method: 'POST', mode: 'no-cors', body }).catch(() => {});
  }
  over.abort();
  clearInterval(looking);
  dialog.close();
  dialog.remove();
}

/**
 * Goes with an intent as far as it goes.
 * @param {Identity} identity
 * @param {Bag} intent
 * @param {string | null} leaveTo where a payment that is made leads
 * @returns {Promise<Bag>}
 */
export async function finish(identity, intent, leaveTo) {
  const { next_action: next, client_secret: secret } = intent;
  if (next?.type === 'redirect_to_url') return leave(next.redirect_to_url.url);
  if (next?.type === 'use_stripe_sdk') {
    await challenge(identity, secret, next.use_stripe_sdk.stripe_js);
    const after = await retrieve(identity, secret);
    return after.error ? { error: after.error } : finish(identity, after, leaveTo);
  }
  const { last_payment_error: error } = intent;
  if (error) return { error: { ...error, payment_intent: intent } };
  if (!leaveTo) return { paymentIntent: intent };
  const url = new URL(leaveTo, location.href);
  url.searchParams.set('payment_intent', intent.id);
  url.searchParams.set('payment_intent_client_secret', secret);
  const status = intent.status === 'requires_capture' ? 'succeeded' : intent.status;
  url.searchParams.set('redirect_status', status);
  return leave(url.href);
}

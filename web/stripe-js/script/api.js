// Where the simulator is, and what a page asks of it.

import { askApi } from '../elements/form.js';

/** @typedef {import('../elements/form.js').Bag} Bag */
/** @typedef {import('../elements/form.js').Identity} Identity */

const script = document.currentScript;
if (!(script instanceof HTMLScriptElement) || !script.src) {
  throw new Error('Stripe.js has to be loaded by a script tag with its address.');
}
export const ORIGIN = new URL(script.src).origin;

/** The page has made a mistake that its developer has to mend. */
export class IntegrationError extends Error {
  /** @override */
  name = 'IntegrationError';
}

/** @param {Identity} identity @param {'GET' | 'POST'} method @param {string} path @param {Bag} fields */
export const ask = (identity, method, path, fields) =>
  askApi(ORIGIN, identity, method, path, fields);

/** @param {unknown} clientSecret */
export function idIn(clientSecret) {
  const found = /^(pi_[A-Za-z0-9]+)_secret_[A-Za-z0-9]+$/.exec(String(clientSecret));
  if (!found?.[1]) {
    throw new IntegrationError(
      `Invalid value for clientSecret: it should be the client_secret of a PaymentIntent. You specified: ${clientSecret}.`,
    );
  }
  return found[1];
}

/** @param {Identity} identity @param {string} clientSecret */
export const retrieve = (identity, clientSecret) =>
  ask(identity, 'GET', `payment_intents/${idIn(clientSecret)}`, { client_secret: clientSecret });

/** @param {Bag} answer @param {string} name @returns {Bag} */
export const named = (answer, name) =>
  answer.error ? { error: answer.error } : { [name]: answer };

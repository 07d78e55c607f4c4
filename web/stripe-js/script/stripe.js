// A stand-in for Stripe.js, served by the simulated Stripe. Pages use it as they use the real one,
// also through @stripe/stripe-js and @stripe/react-stripe-js: only the script's address differs.
//
// Forms live in frames of the simulator's origin (elements/), so what is typed into them never
// touches the page around. This script makes the frames, asks them, and shows the bank's challenge.
// docs/simulators.md says what it leaves out.

import { ask, IntegrationError, idIn, named, retrieve } from './api.js';
import { finish } from './challenge.js';
import { Elements } from './elements.js';

/** @typedef {import('./api.js').Bag} Bag */
/** @typedef {import('./api.js').Identity} Identity */

/** A debit is drawn with the payer's word, which the page has shown her. */
const MANDATE = { customer_acceptance: { type: 'online', online: { infer_from_client: true } } };

/** @param {Identity} identity @param {Bag} request */
async function confirmPayment(identity, { elements, clientSecret, confirmParams = {}, redirect }) {
  const secret = clientSecret ?? elements?.options.clientSecret;
  const id = idIn(secret);
  const leaves = redirect !== 'if_required';
  if (leaves && !confirmParams.return_url) {
    throw new IntegrationError(
      'stripe.confirmPayment(): the `confirmParams.return_url` argument is required when `redirect` is not "if_required".',
    );
  }
  const { payment_method_data: method, expand, ...params } = confirmParams;
  const { billing_details: billing, ...data } = method ?? {};
  const fields = { client_secret: secret, use_stripe_sdk: true, expand, ...params };
  const path = `payment_intents/${id}/confirm`;
  let answer;
  if (!elements) answer = await ask(identity, 'POST', path, fields);
  else {
    const error = await unfit(elements, secret);
    if (error) return { error };
    const { shipping } = elements.addresses();
    const whole = { shipping, mandate_data: MANDATE, ...fields, payment_method_data: data };
    answer = await elements.send(path, whole, billing, 'payment_method_data');
  }
  if (answer.error) return { error: answer.error };
  return finish(identity, answer, leaves ? confirmParams.return_url : null);
}

/** Why these forms cannot pay this intent. @param {Elements} elements @param {string} secret */
async function unfit(elements, secret) {
  const { clientSecret, amount, currency } = elements.options;
  if (clientSecret) return (await elements.submit()).error;
  checkSubmitted(elements, 'stripe.confirmPayment()');
  const intent = await retrieve(elements.identity, secret);
  if (intent.error) return intent.error;
  if (intent.amount === amount && intent.currency === currency) return undefined;
  return {
    type: 'invalid_request_error',
    code: 'payment_intent_incompatible_payment_method',
    message:
      `The PaymentIntent is of ${intent.amount} ${intent.currency}, and Elements was made with ` +
      `${amount} ${currency}. They must be the same.`,
  };
}

/** @param {Elements} elements @param {string} before */
function checkSubmitted(elements, before) {
  if (elements.isSubmitted) return;
  throw new IntegrationError(
    `elements.submit() must be called before ${before}, and must have succeeded.`,
  );
}

/** @param {Bag} request */
async function createConfirmationToken({ elements, params = {} }) {
  if (!(elements instanceof Elements)) {
    throw new IntegrationError('stripe.createConfirmationToken() wants elements.');
  }
  checkSubmitted(elements, 'stripe.createConfirmationToken()');
  const { payment_method_data: method, ...others } = params;
  const { billing_details: billing, ...data } = method ?? {};
  const { shipping } = elements.addresses();
  const { setupFutureUsage } = elements.options;
  const fields = {
    shipping,
    ...(setupFutureUsage && { setup_future_usage: setupFutureUsage }),
    ...others,
    payment_method_data: data,
  };
  const path = 'confirmation_tokens';
  return named(
    await elements.send(path, fields, billing, 'payment_method_data'),
    'confirmationToken',
  );
}

/** @param {Identity} identity @param {Bag} request */
async function createPaymentMethod(identity, { elements, params = {}, ...direct }) {
  if (!elements)
    return named(await ask(identity, 'POST', 'payment_methods', direct), 'paymentMethod');
  checkSubmitted(elements, 'stripe.createPaymentMethod()');
  const { billing_details: billing, ...fields } = params;
  return named(await elements.send('payment_methods', fields, billing, ''), 'paymentMethod');
}

/** @param {Identity} identity @param {string} clientSecret */
async function handleNextAction(identity, clientSecret) {
  const intent = await retrieve(identity, clientSecret);
  if (intent.error) return { error: intent.error };
  if (intent.status !== 'requires_action') {
    throw new IntegrationError(
      'handleNextAction: The PaymentIntent supplied is not in the requires_action state.',
    );
  }
  return finish(identity, intent, null);
}

/**
 * With a card that Stripe knows already; forms for cards alone are not stood in for.
 * @param {Identity} identity
 * @param {string} clientSecret
 * @param {Bag} data
 */
async function confirmCardPayment(identity, clientSecret, data = {}) {
  if (typeof data.payment_method === 'object') {
    throw new IntegrationError('This stand-in takes the id of a payment method here.');
  }
  const { payment_method, return_url, shipping, receipt_email } = data;
  const confirmParams = { payment_method, return_url, shipping, receipt_email };
  return confirmPayment(identity, { clientSecret, confirmParams, redirect: 'if_required' });
}

/** @param {string} key @param {Bag} options */
function Stripe(key, options = {}) {
  if (typeof key !== 'string' || !key) {
    throw new IntegrationError('Please call Stripe() with your publishable key.');
  }
  if (key.startsWith('sk_')) {
    throw new IntegrationError(
      'You should not use your secret key with Stripe.js. Please pass a publishable key instead.',
    );
  }
  const identity = { key, account: options.stripeAccount };
  return {
    elements: (/** @type {Bag} */ about = {}) => new Elements(identity, about),
    confirmPayment: (/** @type {Bag} */ request) => confirmPayment(identity, request),
    createConfirmationToken: (/** @type {Bag} */ request) => createConfirmationToken(request),
    createPaymentMethod: (/** @type {Bag} */ request) => createPaymentMethod(identity, request),
    handleNextAction: (/** @type {{ clientSecret: string }} */ { clientSecret }) =>
      handleNextAction(identity, clientSecret),
    retrievePaymentIntent: async (/** @type {string} */ clientSecret) =>
      named(await retrieve(identity, clientSecret), 'paymentIntent'),
    confirmCardPayment: (/** @type {string} */ clientSecret, /** @type {Bag} */ data) =>
      confirmCardPayment(identity, clientSecret, data),
    createToken: async () => {
      throw new IntegrationError('This stand-in makes no tokens of single cards.');
    },
    registerAppInfo: () => {},
    _registerWrapper: () => {},
  };
}
Stripe.version = 'endive';
Object.assign(window, { Stripe });

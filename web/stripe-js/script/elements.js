// Forms that belong together: what they are told, and what is sent of them.

import { flat } from '../elements/form.js';
import { IntegrationError, idIn, retrieve } from './api.js';
import { Emitter, StripeElement, TITLES } from './frame.js';

/** @typedef {import('./api.js').Bag} Bag */
/** @typedef {import('./api.js').Identity} Identity */

/** In the order of a dashboard; banks pay in euros. */
const TYPES = ['card', 'bancontact', 'eps', 'ideal', 'sepa_debit'];

/** What `stripe.elements` gives. */
export class Elements extends Emitter {
  /** @type {StripeElement[]} */
  members = [];
  isSubmitted = false;
  /** @type {Promise<Bag>} */
  details;

  /** @param {Identity} identity @param {Bag} options */
  constructor(identity, options) {
    super();
    this.identity = identity;
    this.options = options;
    if (options.clientSecret) idIn(options.clientSecret);
    else if (options.mode !== 'payment') {
      throw new IntegrationError(
        'This stand-in makes Elements with a clientSecret of a PaymentIntent or with mode: "payment".',
      );
    } else checkSum(options);
    this.details = this.fetchDetails();
    // Each element says so itself.
    this.details.catch(() => {});
  }

  /** What is to be paid, and how it can be. */
  async fetchDetails() {
    const { clientSecret, amount, currency, ...limits } = this.options;
    if (!clientSecret) return { amount, currency, types: typesFor(currency, limits) };
    const intent = await retrieve(this.identity, clientSecret);
    if (intent.error) throw intent.error;
    if (['succeeded', 'canceled', 'processing', 'requires_capture'].includes(intent.status)) {
      throw {
        type: 'invalid_request_error',
        code: 'payment_intent_unexpected_state',
        message:
          'The PaymentIntent is in a terminal state and cannot be used to initialize Elements.',
        payment_intent: intent,
      };
    }
    const { payment_method_types: types } = intent;
    return { amount: intent.amount, currency: intent.currency, types };
  }

  /** @param {string | { __elementType?: string }} type @param {Bag} options */
  create(type, options = {}) {
    const name = typeof type === 'string' ? type : String(type.__elementType);
    if (!(name in TITLES)) {
      throw new IntegrationError(`This stand-in has no Element of type ${name}.`);
    }
    if (name === 'address' && !['billing', 'shipping'].includes(options.mode)) {
      throw new IntegrationError('You must provide the mode "shipping" or "billing".');
    }
    if (this.getElement(name, name === 'address' ? { mode: options.mode } : {})) {
      throw new IntegrationError(
        `Can only create one Element of type ${name} through an Elements instance.`,
      );
    }
    const element = new StripeElement(name, options, this);
    this.members.push(element);
    this.tellOfOthers();
    return element;
  }

  /** @param {string | { __elementType?: string }} type @param {{ mode?: string }} which */
  getElement(type, { mode } = {}) {
    const name = typeof type === 'string' ? type : String(type.__elementType);
    const isIt = (/** @type {StripeElement} */ one) =>
      one.type === name && (!mode || one.options.mode === mode);
    return this.members.find(isIt) ?? null;
  }

  /** @param {StripeElement} element */
  forget(element) {
    this.members = this.members.filter((one) => one !== element);
    this.tellOfOthers();
  }

  /** A form for cards does not ask for the address that another form asks for. */
  tellOfOthers() {
    this.getElement('payment')?.tell('update', this.others());
  }

  others() {
    return { hasBillingAddress: this.getElement('address', { mode: 'billing' }) !== null };
  }

  /** @param {StripeElement} element @returns {Promise<Bag>} what its form is told first */
  async told(element) {
    const details = await this.details;
    const { appearance } = this.options;
    const { identity } = this;
    return { ...details, identity, ...this.others(), appearance, options: element.options };
  }

  /** @param {Bag} options */
  async update(options) {
    const { clientSecret } = options;
    if (clientSecret && clientSecret !== this.options.clientSecret) {
      throw new IntegrationError('The clientSecret of an Elements instance cannot be changed.');
    }
    const changed = { ...this.options, ...options };
    if (!changed.clientSecret) checkSum(changed);
    this.options = changed;
    await this.retell();
  }

  /** The intent may have changed at the shop's server. */
  async fetchUpdates() {
    try {
      await this.retell();
      return {};
    } catch (error) {
      return { error };
    }
  }

  async retell() {
    const details = this.fetchDetails();
    this.details = details;
    const told = { ...(await details), appearance: this.options.appearance };
    await Promise.all(this.members.map((one) => one.frame && one.ask('update', told)));
    this.emit('update-end', {});
  }

  /** Every form says what is wrong with it; the first answer counts. */
  async submit() {
    const forms = this.members.filter(({ frame }) => frame);
    let first = null;
    for (const form of forms) {
      const { error } = await form.ask('check', { takesFocus: first === null });
      first ??= error ?? null;
    }
    this.isSubmitted = first === null;
    if (first) return { error: first };
    const selectedPaymentMethod = this.getElement('payment')?.last.value.type;
    return selectedPaymentMethod ? { selectedPaymentMethod } : {};
  }

  /** The addresses beside the card, as the API takes them. */
  addresses() {
    const entered = (/** @type {string} */ mode) => {
      const { complete, value } = this.getElement('address', { mode })?.last ?? {};
      if (!complete) return undefined;
      const { name, address, phone } = value;
      return { name, address, ...(phone && { phone }) };
    };
    return { billing: entered('billing'), shipping: entered('shipping') };
  }

  /**
   * Sends what was entered with what the page adds; it goes from the form's frame to the API.
   * @param {string} path
   * @param {Bag} fields
   * @param {Bag} billing what the page says of the payer
   * @param {string} within where the API wants the method
   */
  send(path, fields, billing, within) {
    const payment = this.getElement('payment');
    if (!payment) {
      throw new IntegrationError('Elements should have a mounted Payment Element.');
    }
    const payer = { ...this.addresses().billing, ...billing };
    const method = { ...(within ? fields[within] : fields), billing_details: payer };
    const whole = within ? { ...fields, [within]: method } : method;
    return payment.ask('send', { path, fields: flat(whole), within });
  }
}

/** @param {Bag} options */
function checkSum({ amount, currency }) {
  if (!Number.isInteger(amount) || amount <= 0) {
    throw new IntegrationError(
      `Invalid value for elements(): amount should be a positive integer. You specified: ${amount}.`,
    );
  }
  if (!/^[a-z]{3}$/.test(currency ?? '')) {
    throw new IntegrationError(
      `Invalid value for elements(): currency should be a three-letter code in lower case. You specified: ${currency}.`,
    );
  }
}

/** @param {string} currency @param {Bag} limits */
function typesFor(currency, limits) {
  const { paymentMethodTypes, allowedPaymentMethodTypes, excludedPaymentMethodTypes } = limits;
  const allowed = paymentMethodTypes ?? allowedPaymentMethodTypes;
  return TYPES.filter(
    (type) =>
      (type === 'card' || (currency === 'eur' && limits.captureMethod !== 'manual')) &&
      (!allowed || allowed.includes(type)) &&
      !excludedPaymentMethodTypes?.includes(type),
  );
}

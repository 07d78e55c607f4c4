// The form for a payment: cards, debits and banks. What is typed here goes to the API from here.

import { dress } from './appearance.js';
import { whenOpened } from './channel.js';
import { check, Field, made } from './fields.js';
import { askApi, flat } from './form.js';
import { METHODS } from './methods.js';

/** @typedef {Record<string, any>} Bag */

/** A form for every way to pay that there is; one of them is chosen, or none. */
export class PaymentForm {
  /** @param {Bag} init @param {(message: Bag) => void} tell */
  constructor(init, tell) {
    this.init = init;
    this.tell = tell;
    /** @type {Record<string, Field>} what was made, by the field's name */
    this.made = {};
    this.chosen = firstOf(init);
    this.root = made('fieldset', { className: 'Form' });
    this.root.append(made('legend', { className: 'Unseen', textContent: 'Payment details' }));
    document.body.append(this.root);
    this.draw();
  }

  /** Draws what the page has asked for; what was typed stays. */
  draw() {
    const { appearance, options = {}, types = [] } = this.init;
    this.tell({ colorScheme: dress(appearance) });
    this.root.disabled = options.readOnly === true;
    document.body.dataset.layout = options.layout?.type ?? options.layout ?? 'tabs';
    // A redrawn form keeps the focus that it has, and takes none from the page around it.
    const focused = document.hasFocus() ? document.activeElement : null;
    const rows = types.filter((/** @type {string} */ type) => type in METHODS);
    const legend = /** @type {Node} */ (this.root.firstElementChild);
    const chooser = made('div', { className: 'Methods' });
    for (const type of rows) chooser.append(this.row(type, rows.length > 1));
    this.root.replaceChildren(legend, chooser);
    // In tabs the fields are below all of them.
    if (document.body.dataset.layout === 'tabs' || rows.length < 2) this.root.append(this.panel());
    if (focused instanceof HTMLInputElement && focused.type === 'radio') {
      const radio = this.root.querySelector('input[name="method"]:checked');
      if (radio instanceof HTMLElement) radio.focus();
    } else if (focused instanceof HTMLElement && focused.isConnected) focused.focus();
  }

  /** One way to pay. @param {string} type @param {boolean} isChoice */
  row(type, isChoice) {
    const block = made('div', { className: 'Block' });
    if (!isChoice) return block;
    const label = made('label', { className: 'Tab' });
    const radio = made('input', {
      type: 'radio',
      name: 'method',
      className: 'Unseen',
      value: type,
    });
    radio.checked = type === this.chosen;
    label.classList.toggle('Tab--selected', radio.checked);
    label.append(
      radio,
      made('span', { className: 'TabLabel', textContent: METHODS[type]?.title ?? type }),
    );
    radio.addEventListener('change', () => this.choose(type));
    block.append(label);
    if (radio.checked && document.body.dataset.layout === 'accordion') block.append(this.panel());
    return block;
  }

  panel() {
    const panel = made('div', { className: 'Panel' });
    const method = this.chosen ? METHODS[this.chosen] : undefined;
    if (!method) return panel;
    panel.append(...this.fields().map(({ node }) => node));
    const { note } = method;
    if (note) panel.append(made('p', { className: 'Note', textContent: note }));
    return panel;
  }

  /** @param {string | null} type */
  choose(type) {
    this.chosen = type;
    this.draw();
    this.changed();
  }

  /** The fields of the method that is chosen, which are made once. */
  fields() {
    return this.chosen ? (METHODS[this.chosen]?.fields(this) ?? []) : [];
  }

  /** @param {import('./fields.js').Shape} shape */
  field(shape) {
    const known = this.made[shape.name];
    if (known) return known;
    const field = new Field({ ...shape, value: shape.value ?? this.known(shape.name) }, () =>
      this.changed(),
    );
    this.made[shape.name] = field;
    return field;
  }

  /** What the page knew before. @param {string} name @returns {string | undefined} */
  known(name) {
    const {
      name: holder,
      email,
      address = {},
    } = this.init.options?.defaultValues?.billingDetails ?? {};
    /** @type {Bag} */
    const known = {
      name: holder,
      email,
      country: address.country,
      postalCode: address.postal_code,
    };
    return known[name];
  }

  /** Whether nobody else asks for it. @param {'name' | 'email' | 'address'} name */
  asks(name) {
    const { options = {}, hasBillingAddress } = this.init;
    if (hasBillingAddress && name !== 'email') return false;
    const asked = options.fields?.billingDetails;
    const one = typeof asked === 'object' ? asked[name] : asked;
    return one !== 'never' && one?.country !== 'never';
  }

  value(/** @type {string} */ name) {
    return this.made[name]?.value ?? '';
  }

  changed() {
    const fields = this.fields();
    this.tell({
      event: 'change',
      collapsed: this.chosen === null,
      complete: this.chosen !== null && fields.every((field) => field.problem() === null),
      empty: fields.every(({ value, shape }) => !value || shape.options),
      value: { type: this.chosen ?? '' },
    });
  }

  /** @param {{ takesFocus: boolean }} how */
  check({ takesFocus }) {
    if (this.chosen) return check(this.fields(), takesFocus);
    const message = 'Please select a payment method.';
    return { error: { type: 'validation_error', code: 'incomplete_payment_method', message } };
  }

  /**
   * The API hears what was typed, and what the page adds.
   * @param {{ path: string, fields: Record<string, string>, within: string }} request
   * @returns {Promise<Bag>}
   */
  async send({ path, fields, within }) {
    const method = this.chosen ? METHODS[this.chosen] : undefined;
    const named = new Set(this.fields().map(({ shape }) => shape.name));
    const typed = (/** @type {string} */ name) => (named.has(name) ? this.value(name) : '');
    const given = {
      type: this.chosen,
      billing_details: {
        name: typed('name'),
        email: typed('email'),
        address: { country: typed('country'), postal_code: typed('postalCode') },
      },
      ...method?.details(typed),
    };
    const own = flat(within ? { [within]: given } : given);
    const answer = await askApi('', this.init.identity, 'POST', path, { ...own, ...fields });
    this.showRefusal(answer.error);
    return answer;
  }

  /** The bank may name the field that is wrong. @param {Bag | undefined} error */
  showRefusal(error) {
    if (error?.type !== 'card_error' && error?.code !== 'invalid_bank_account_iban') return;
    const name = FIELD_OF[error.code];
    if (name) this.made[name]?.show(/** @type {import('./card.js').Problem} */ (error));
  }

  clear() {
    for (const field of Object.values(this.made)) {
      if (field.shape.options) continue;
      field.input.value = '';
      field.show(null);
    }
    this.changed();
  }
}

/** Which field a refusal is about. @type {Record<string, string>} */
const FIELD_OF = {
  incorrect_number: 'number',
  invalid_number: 'number',
  expired_card: 'expiry',
  invalid_expiry_month: 'expiry',
  invalid_expiry_year: 'expiry',
  incorrect_cvc: 'cvc',
  invalid_cvc: 'cvc',
  invalid_bank_account_iban: 'iban',
};

/** @param {Bag} init @returns {string | null} */
function firstOf({ types = [], options = {} }) {
  if (options.layout?.defaultCollapsed) return null;
  const order = [...(options.paymentMethodOrder ?? []), ...types];
  return order.find((type) => types.includes(type) && type in METHODS) ?? null;
}

whenOpened((init, tell) => {
  const form = new PaymentForm(init, tell);
  return {
    check: (how) => form.check(how),
    send: (request) => form.send(request),
    update(told) {
      Object.assign(init, told);
      const types = init.types ?? [];
      if (form.chosen && !types.includes(form.chosen)) form.chosen = firstOf(init);
      form.draw();
    },
    collapse: () => form.choose(null),
    clear: () => form.clear(),
    focus: () => form.root.querySelector('input')?.focus(),
    blur: () => document.activeElement instanceof HTMLElement && document.activeElement.blur(),
  };
});

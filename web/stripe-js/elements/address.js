// The form for an address. The page hears every change of it: nothing here is a secret.

import { dress } from './appearance.js';
import { whenOpened } from './channel.js';
import { countries, hasPostalCode, homeCountry, postalCodeIn, stateIn } from './countries.js';
import { check, Field, made, needed } from './fields.js';

/** @typedef {Record<string, any>} Bag */

class AddressForm {
  /** @param {Bag} init @param {(message: Bag) => void} tell */
  constructor(init, tell) {
    this.init = init;
    this.tell = tell;
    /** @type {Record<string, Field>} */
    this.made = {};
    const { mode } = init.options;
    const legend = mode === 'shipping' ? 'Shipping address' : 'Billing address';
    this.legend = made('legend', { className: 'Unseen', textContent: legend });
    this.root = made('fieldset', { className: 'Form' });
    document.body.append(this.root);
    this.draw();
    // The page hears what it has filled in itself.
    if (init.options.defaultValues) queueMicrotask(() => this.changed());
  }

  draw() {
    this.tell({ colorScheme: dress(this.init.appearance) });
    const panel = made('div', { className: 'Panel' });
    panel.append(...this.fields().map(({ node }) => node));
    // A redrawn form keeps the focus that it has, and takes none from the page around it.
    const focused = document.hasFocus() ? document.activeElement : null;
    this.root.replaceChildren(this.legend, panel);
    if (focused instanceof HTMLElement && focused.isConnected) focused.focus();
  }

  /** In the order of an envelope of the country. */
  fields() {
    const { display = {}, fields = {}, validation = {}, allowedCountries } = this.init.options;
    const given = this.init.options.defaultValues ?? {};
    const address = given.address ?? {};
    const choices = countries(allowedCountries);
    const at = (/** @type {string} */ country) => choices.some(([code]) => code === country);
    const [first = '', ...last] = (given.name ?? '').split(' ');
    const names =
      display.name === 'split'
        ? [
            this.field('firstName', 'First name', 'given-name', given.firstName ?? first, true),
            this.field(
              'lastName',
              'Last name',
              'family-name',
              given.lastName ?? last.join(' '),
              true,
            ),
          ]
        : [
            this.field(
              'name',
              display.name === 'organization' ? 'Organization' : 'Full name',
              'name',
              given.name ?? [given.firstName, given.lastName].filter(Boolean).join(' '),
            ),
          ];
    const home = [address.country, homeCountry(), choices[0]?.[0]].find((code) => code && at(code));
    const country = this.choice('country', 'Country or region', choices, home);
    const state = stateIn(country.value);
    const code = this.field(
      'postalCode',
      postalCodeIn(country.value),
      'postal-code',
      address.postal_code,
      true,
    );
    code.rename(postalCodeIn(country.value));
    const shown = [
      ...names,
      country,
      this.field('line1', 'Address line 1', 'address-line1', address.line1),
      this.optional('line2', 'Address line 2', 'address-line2', address.line2),
      ...(hasPostalCode(country.value) ? [code] : []),
      this.field('city', 'City', 'address-level2', address.city, true),
    ];
    if (state) {
      const field = this.field('state', state, 'address-level1', address.state, true);
      field.rename(state);
      shown.push(field);
    }
    if (fields.phone === 'always') {
      const required = validation.phone?.required ?? 'always';
      shown.push(
        required === 'never'
          ? this.optional('phone', 'Phone number', 'tel', given.phone)
          : this.field('phone', 'Phone number', 'tel', given.phone),
      );
    }
    return shown;
  }

  /** @param {import('./fields.js').Shape} shape */
  make(shape) {
    const known = this.made[shape.name];
    if (known) return known;
    const autocomplete = /** @type {AutoFill} */ (
      `${this.init.options.mode} ${shape.autocomplete}`
    );
    const field = new Field({ ...shape, autocomplete }, () => this.changed());
    this.made[shape.name] = field;
    return field;
  }

  /** @param {string} name @param {string} label @param {string} autocomplete @param {string | undefined} value @param {boolean} half */
  field(name, label, autocomplete, value, half = false) {
    const shape = {
      name,
      label,
      autocomplete: /** @type {AutoFill} */ (autocomplete),
      value,
      half,
    };
    return this.make({ ...shape, problem: needed(CODES[name] ?? name) });
  }

  /** @param {string} name @param {string} label @param {string} autocomplete @param {string | undefined} value */
  optional(name, label, autocomplete, value) {
    const shape = { name, label: `${label} (optional)`, value };
    return this.make({ ...shape, autocomplete: /** @type {AutoFill} */ (autocomplete) });
  }

  /** @param {string} name @param {string} label @param {[string, string][]} options @param {string | undefined} value */
  choice(name, label, options, value) {
    const field = this.make({ name, label, options, value, autocomplete: 'country' });
    field.input.onchange = () => this.draw();
    return field;
  }

  value() {
    const fields = this.fields();
    const typed = (/** @type {string} */ name) =>
      fields.find(({ shape }) => shape.name === name)?.value ?? '';
    const [firstName, lastName] = [typed('firstName'), typed('lastName')];
    const isSplit = this.init.options.display?.name === 'split';
    return {
      name: isSplit ? `${firstName} ${lastName}`.trim() : typed('name'),
      ...(isSplit && { firstName, lastName }),
      address: {
        line1: typed('line1'),
        line2: typed('line2') || null,
        city: typed('city'),
        state: typed('state'),
        postal_code: typed('postalCode'),
        country: typed('country'),
      },
      ...(this.init.options.fields?.phone === 'always' && { phone: typed('phone') }),
    };
  }

  changed() {
    const fields = this.fields();
    this.tell({
      event: 'change',
      elementMode: this.init.options.mode,
      complete: fields.every((field) => field.problem() === null),
      empty: fields.every(({ value, shape }) => !value || shape.options),
      isNewAddress: true,
      value: this.value(),
    });
  }
}

/** What Stripe calls them in its errors. @type {Record<string, string>} */
const CODES = { firstName: 'name', lastName: 'name', postalCode: 'zip' };

whenOpened((init, tell) => {
  const form = new AddressForm(init, tell);
  return {
    check: ({ takesFocus }) => check(form.fields(), takesFocus),
    update(told) {
      Object.assign(init, told);
      form.draw();
    },
    clear() {
      for (const { shape, input } of Object.values(form.made)) {
        if (!shape.options) input.value = '';
      }
      form.changed();
    },
    focus: () => form.root.querySelector('input')?.focus(),
    blur: () => document.activeElement instanceof HTMLElement && document.activeElement.blur(),
  };
});

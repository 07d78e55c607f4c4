// The ways to pay: what each asks, and how the API is told.

import * as cards from './card.js';
import { countries, homeCountry, isCompared, postalCodeIn } from './countries.js';
import { made, needed } from './fields.js';
import { compact, formatIban, ibanProblem } from './iban.js';

/** @typedef {import('./payment.js').PaymentForm} Form */
/** @typedef {import('./fields.js').Field} Field */
/**
 * @typedef {object} Method
 * @property {string} title
 * @property {string} [note] what the payer has to know
 * @property {(form: Form) => Field[]} fields
 * @property {(typed: (name: string) => string) => Record<string, unknown>} details
 */

const REDIRECTED = 'After submitting, you will be redirected to your bank to complete the payment.';
const MANDATE =
  'By providing your payment information and confirming this payment, you authorise the shop and ' +
  'its payment service provider to instruct your bank to debit your account. You are entitled to a ' +
  'refund from your bank within eight weeks of the debit.';

/** The ways to pay, as the API names them. @type {Record<string, Method>} */
export const METHODS = {
  card: {
    title: 'Card',
    fields: (form) => [cardNumber(form), expiry(form), cvc(form), ...place(form)],
    details(typed) {
      const { month, year } = cards.expiryOf(typed('expiry'));
      const number = cards.digits(typed('number'));
      return { card: { number, exp_month: month, exp_year: year, cvc: typed('cvc') } };
    },
  },
  sepa_debit: {
    title: 'SEPA Debit',
    fields: (form) => [...holder(form), ...email(form), iban(form)],
    note: MANDATE,
    details: (typed) => ({ sepa_debit: { iban: compact(typed('iban')) } }),
  },
  bancontact: {
    title: 'Bancontact',
    note: REDIRECTED,
    fields: (form) => holder(form),
    details: () => ({}),
  },
  eps: { title: 'EPS', note: REDIRECTED, fields: (form) => holder(form), details: () => ({}) },
  ideal: { title: 'iDEAL', note: REDIRECTED, fields: (form) => holder(form), details: () => ({}) },
};

/** @param {Form} form */
function cardNumber(form) {
  const field = form.field({
    name: 'number',
    label: 'Card number',
    placeholder: '1234 1234 1234 1234',
    autocomplete: 'cc-number',
    inputMode: 'numeric',
    format: cards.formatNumber,
    problem: cards.numberProblem,
  });
  if (field.wrap.childElementCount === 1) {
    const brand = made('span', { className: 'Brand' });
    brand.setAttribute('aria-hidden', 'true');
    field.wrap.append(brand);
    field.input.addEventListener('input', () => {
      brand.textContent = cards.brandOf(field.value).title;
    });
  }
  return field;
}

/** @param {Form} form */
const expiry = (form) =>
  form.field({
    name: 'expiry',
    label: 'Expiration date',
    placeholder: 'MM / YY',
    autocomplete: 'cc-exp',
    inputMode: 'numeric',
    half: true,
    format: cards.formatExpiry,
    problem: (typed) => cards.expiryProblem(typed),
  });

/** @param {Form} form */
const cvc = (form) =>
  form.field({
    name: 'cvc',
    label: 'Security code',
    placeholder: 'CVC',
    autocomplete: 'cc-csc',
    inputMode: 'numeric',
    half: true,
    format: (typed) => cards.digits(typed).slice(0, cards.brandOf(form.value('number')).cvc),
    problem: (typed) => cards.cvcProblem(typed, form.value('number')),
  });

/** Where the card is from, unless an Address Element asks. @param {Form} form */
function place(form) {
  if (!form.asks('address')) return [];
  const country = form.field({
    name: 'country',
    label: 'Country',
    autocomplete: 'billing country',
    options: countries(undefined),
    value: form.known('country') ?? homeCountry(),
  });
  country.input.onchange = () => form.draw();
  if (!isCompared(country.value)) return [country];
  const code = form.field({
    name: 'postalCode',
    label: postalCodeIn(country.value),
    autocomplete: 'billing postal-code',
    problem: (typed) =>
      typed ? null : { code: 'incomplete_zip', message: 'Your postal code is incomplete.' },
  });
  code.rename(postalCodeIn(country.value));
  return [country, code];
}

/** @param {Form} form */
const holder = (form) =>
  form.asks('name')
    ? [
        form.field({
          name: 'name',
          label: 'Full name',
          autocomplete: 'billing name',
          problem: needed('name'),
        }),
      ]
    : [];

/** @param {Form} form */
const email = (form) =>
  form.asks('email')
    ? [
        form.field({
          name: 'email',
          label: 'Email',
          placeholder: 'you@example.com',
          autocomplete: 'email',
          inputMode: 'email',
          problem: (typed) =>
            /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(typed)
              ? null
              : { code: 'incomplete_email', message: 'Your email is incomplete.' },
        }),
      ]
    : [];

/** @param {Form} form */
const iban = (form) =>
  form.field({
    name: 'iban',
    label: 'IBAN',
    placeholder: 'DE00 0000 0000 0000 0000 00',
    format: formatIban,
    problem: ibanProblem,
  });

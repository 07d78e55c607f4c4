// Card numbers, dates and codes: how they are written, and what is wrong with them.

/** @typedef {{ code: string, message: string }} Problem */
/** @typedef {{ name: string, title: string, starts: RegExp, lengths: number[], groups: number[], cvc: number }} Brand */

const FOURS = [4, 4, 4, 4, 3];

/** @type {Brand[]} */
const BRANDS = [
  { name: 'amex', title: 'Amex', starts: /^3[47]/, lengths: [15], groups: [4, 6, 5], cvc: 4 },
  { name: 'visa', title: 'Visa', starts: /^4/, lengths: [16], groups: FOURS, cvc: 3 },
  {
    name: 'mastercard',
    title: 'Mastercard',
    starts: /^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/,
    lengths: [16],
    groups: FOURS,
    cvc: 3,
  },
  {
    name: 'discover',
    title: 'Discover',
    starts: /^6(011|4[4-9]|5)/,
    lengths: [16],
    groups: FOURS,
    cvc: 3,
  },
  { name: 'diners', title: 'Diners', starts: /^36/, lengths: [14, 16], groups: [4, 6, 4], cvc: 3 },
  {
    name: 'diners',
    title: 'Diners',
    starts: /^3(0[0-5]|[89])/,
    lengths: [16],
    groups: FOURS,
    cvc: 3,
  },
  { name: 'jcb', title: 'JCB', starts: /^35/, lengths: [16], groups: FOURS, cvc: 3 },
  {
    name: 'unionpay',
    title: 'UnionPay',
    starts: /^62/,
    lengths: [16, 17, 18, 19],
    groups: FOURS,
    cvc: 3,
  },
];

/** @type {Brand} */
const UNKNOWN = { name: 'unknown', title: '', starts: /^/, lengths: [16], groups: FOURS, cvc: 3 };

export const digits = (/** @type {string} */ text) => text.replace(/\D/g, '');

/** @param {string} number */
export function brandOf(number) {
  const typed = digits(number);
  return BRANDS.find(({ starts }) => starts.test(typed)) ?? UNKNOWN;
}

/** The check digit of the card industry (Luhn). @param {string} number */
export function luhnHolds(number) {
  const sum = [...digits(number)].reverse().reduce((sum, digit, place) => {
    const value = Number(digit) * (place % 2 ? 2 : 1);
    return sum + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

/** In the groups that are printed on the card. @param {string} text */
export function formatNumber(text) {
  const { groups, lengths } = brandOf(text);
  let rest = digits(text).slice(0, Math.max(...lengths));
  const parts = [];
  for (const length of groups) {
    if (rest) parts.push(rest.slice(0, length));
    rest = rest.slice(length);
  }
  return parts.join(' ');
}

/** @param {string} text @returns {Problem | null} */
export function numberProblem(text) {
  const number = digits(text);
  const { lengths } = brandOf(number);
  if (number.length < Math.min(...lengths)) {
    return { code: 'incomplete_number', message: 'Your card number is incomplete.' };
  }
  if (lengths.includes(number.length) && luhnHolds(number)) return null;
  return { code: 'invalid_number', message: 'Your card number is invalid.' };
}

/** `1` waits, `4` is April, `12/2030` is what a browser fills in. @param {string} text */
export function formatExpiry(text) {
  const [, lone = ''] = /^\s*(\d)\s*\//.exec(text) ?? [];
  let typed = lone ? `0${digits(text)}` : digits(text);
  if (/^[2-9]/.test(typed)) typed = `0${typed}`;
  const month = typed.slice(0, 2);
  const year = typed.length === 6 ? typed.slice(4) : typed.slice(2, 4);
  return month.length === 2 ? `${month} / ${year}` : month;
}

/** @param {string} text */
export function expiryOf(text) {
  const typed = digits(text);
  return { month: Number(typed.slice(0, 2)), year: 2000 + Number(typed.slice(2, 4)) };
}

/** @param {string} text @param {Date} now @returns {Problem | null} */
export function expiryProblem(text, now = new Date()) {
  const { month, year } = expiryOf(text);
  if (digits(text).length < 4 || month < 1 || month > 12) {
    return { code: 'incomplete_expiry', message: "Your card's expiration date is incomplete." };
  }
  const [thisMonth, thisYear] = [now.getMonth() + 1, now.getFullYear()];
  if (year < thisYear) {
    return {
      code: 'invalid_expiry_year_past',
      message: "Your card's expiration year is in the past.",
    };
  }
  if (year === thisYear && month < thisMonth) {
    return {
      code: 'invalid_expiry_month_past',
      message: "Your card's expiration date is in the past.",
    };
  }
  if (year > thisYear + 50) {
    return { code: 'invalid_expiry_year', message: "Your card's expiration year is invalid." };
  }
  return null;
}

/** @param {string} text @param {string} number @returns {Problem | null} */
export function cvcProblem(text, number) {
  if (digits(text).length === brandOf(number).cvc) return null;
  return { code: 'incomplete_cvc', message: "Your card's security code is incomplete." };
}

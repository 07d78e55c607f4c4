// Account numbers of the euro's debits (ISO 13616).

/** Where such debits reach, with the length of an account number there. @type {Record<string, number>} */
const LENGTHS = {
  AD: 24,
  AT: 20,
  BE: 16,
  BG: 22,
  CH: 21,
  CY: 28,
  CZ: 24,
  DE: 22,
  DK: 18,
  EE: 20,
  ES: 24,
  FI: 18,
  FR: 27,
  GB: 22,
  GI: 23,
  GR: 27,
  HR: 21,
  HU: 28,
  IE: 22,
  IS: 26,
  IT: 27,
  LI: 21,
  LT: 20,
  LU: 20,
  LV: 21,
  MC: 27,
  MT: 31,
  NL: 18,
  NO: 15,
  PL: 28,
  PT: 25,
  RO: 24,
  SE: 24,
  SI: 19,
  SK: 24,
  SM: 27,
  VA: 22,
};

export const compact = (/** @type {string} */ text) => text.toUpperCase().replace(/[^A-Z0-9]/g, '');

/** In fours, as it is printed. @param {string} text */
export const formatIban = (text) =>
  compact(text)
    .slice(0, 34)
    .replace(/(.{4})(?=.)/g, '$1 ');

/** @param {string} iban */
export function checkDigitsHold(iban) {
  const moved = iban.slice(4) + iban.slice(0, 4);
  const number = [...moved].map((sign) => Number.parseInt(sign, 36)).join('');
  return [...number].reduce((rest, digit) => (rest * 10 + Number(digit)) % 97, 0) === 1;
}

/** @param {string} text @returns {import('./card.js').Problem | null} */
export function ibanProblem(text) {
  const iban = compact(text);
  const country = iban.slice(0, 2);
  const length = LENGTHS[country];
  if (iban.length < 2 || (length && iban.length < length)) {
    return { code: 'incomplete_iban', message: 'Your IBAN is incomplete.' };
  }
  if (!length) {
    const message = `Your IBAN should start with a two-letter country code that is supported; ${country} is not.`;
    return { code: 'invalid_iban_country_code', message };
  }
  if (iban.length === length && checkDigitsHold(iban)) return null;
  return { code: 'invalid_iban', message: 'Your IBAN is invalid.' };
}

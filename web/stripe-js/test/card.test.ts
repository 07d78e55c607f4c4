import { describe, expect, it } from 'vitest';
import {
  brandOf,
  cvcProblem,
  expiryProblem,
  formatExpiry,
  formatNumber,
  numberProblem,
} from '../elements/card.js';
import { formatIban, ibanProblem } from '../elements/iban.js';

const code = (problem: { code: string } | null) => problem?.code ?? 'good';

describe('a card', () => {
  it('is written in the groups that are printed on it', () => {
    expect(formatNumber('4242424242424242')).toBe('4242 4242 4242 4242');
    expect(formatNumber('42424')).toBe('4242 4');
    expect(formatNumber('378282246310005')).toBe('3782 822463 10005');
    expect(formatNumber('4242-4242 4242x42429')).toBe('4242 4242 4242 4242');
  });

  it.each([
    ['', 'incomplete_number'],
    ['4242 4242 4242 424', 'incomplete_number'],
    ['4242 4242 4242 4241', 'invalid_number'],
    ['4242 4242 4242 4242', 'good'],
    ['5555555555554444', 'good'],
    ['2223003122003222', 'good'],
    ['378282246310005', 'good'],
    ['6011111111111117', 'good'],
    ['36227206271667', 'good'],
    ['3056930009020004', 'good'],
    ['3566002020360505', 'good'],
    ['6205500000000000004', 'good'],
    ['4000000404000079', 'good'],
  ])('%s is %s', (number, is) => {
    expect(code(numberProblem(number))).toBe(is);
  });

  it('has a code as long as its brand’s', () => {
    expect(brandOf('3782').title).toBe('Amex');
    expect(code(cvcProblem('123', '3782'))).toBe('incomplete_cvc');
    expect(code(cvcProblem('1234', '3782'))).toBe('good');
    expect(code(cvcProblem('123', ''))).toBe('good');
  });

  it.each([
    ['1', '1'],
    ['12', '12 / '],
    ['123', '12 / 3'],
    ['4', '04 / '],
    ['1/30', '01 / 30'],
    ['12/2030', '12 / 30'],
    ['12 / 30', '12 / 30'],
  ])('of a date, %s is written %s', (typed, written) => {
    expect(formatExpiry(typed)).toBe(written);
  });

  it.each([
    ['', 'incomplete_expiry'],
    ['12 / 2', 'incomplete_expiry'],
    ['13 / 30', 'incomplete_expiry'],
    ['12 / 25', 'invalid_expiry_year_past'],
    ['10 / 26', 'invalid_expiry_month_past'],
    ['11 / 26', 'good'],
    ['11 / 76', 'good'],
    ['11 / 77', 'invalid_expiry_year'],
  ])('until %s is %s', (expiry, is) => {
    expect(code(expiryProblem(expiry, new Date(2026, 10, 22)))).toBe(is);
  });
});

describe('an account', () => {
  it('is written in fours', () => {
    expect(formatIban('de89370400440532013000')).toBe('DE89 3704 0044 0532 0130 00');
    expect(formatIban('DE89 ')).toBe('DE89');
  });

  it.each([
    ['', 'incomplete_iban'],
    ['D', 'incomplete_iban'],
    ['DE89 3704', 'incomplete_iban'],
    ['US89 3704', 'invalid_iban_country_code'],
    ['DE89 3704 0044 0532 0130 00', 'good'],
    ['DE89 3704 0044 0532 0130 01', 'invalid_iban'],
    ['DE89 3704 0044 0532 0130 001', 'invalid_iban'],
    ['AT32 1904 3002 3547 3204', 'good'],
    ['NL39 RABO 0300 0652 64', 'good'],
  ])('%s is %s', (iban, is) => {
    expect(code(ibanProblem(iban))).toBe(is);
  });
});

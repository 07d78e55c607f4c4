import { describe, expect, it } from 'vitest';
import { decimalsOf, formatAmount, formatMinor } from '../src/index.js';

// Spaces in formatted amounts are such that do not break.
const plain = (text: string) => text.replace(/\s/g, ' ');

describe('amounts', () => {
  it('are shown the same from the major and from the minor unit', () => {
    const cases: [number, number, string, string][] = [
      [49.98, 4998, 'eur', '49,98 €'],
      [0.05, 5, 'EUR', '0,05 €'],
      [0, 0, 'EUR', '0,00 €'],
      [500, 500, 'JPY', '500 ¥'],
      [1.234, 1234, 'KWD', '1,234 KWD'],
      [2500.5, 250050, 'HUF', '2.500,50 HUF'],
      [9_999_999_999.99, 999_999_999_999, 'EUR', '9.999.999.999,99 €'],
    ];
    for (const [major, minor, currency, shown] of cases) {
      expect(plain(formatMinor(minor, currency, 'de'))).toBe(shown);
      expect(plain(formatAmount(major, currency, 'de'))).toBe(shown);
    }
  });

  it('have the decimals of ISO 4217, and not those that Intl rounds to', () => {
    const intl = new Intl.NumberFormat('hu', { style: 'currency', currency: 'HUF' });
    expect(intl.resolvedOptions().maximumFractionDigits).toBe(0);
    expect(['HUF', 'eur', 'JPY', 'KWD', 'CLF'].map(decimalsOf)).toEqual([2, 2, 0, 3, 4]);
  });
});

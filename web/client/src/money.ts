// Amounts as people read them. Nothing is computed: the server's totals are what is charged.

/** The currencies of ISO 4217 that do not have two decimals. `Intl` itself counts otherwise for some
 * (none for HUF), and would show an amount in minor units a hundred times too large. */
const DECIMALS: Readonly<Record<string, number>> = {
  ...all(0, 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'),
  ...all(3, 'BHD IQD JOD KWD LYD OMR TND'),
  ...all(4, 'CLF UYW'),
};

/** How many decimals the currency has by ISO 4217: 2 for EUR, 0 for JPY. */
export const decimalsOf = (currency: string): number => DECIMALS[currency.toUpperCase()] ?? 2;

/** An amount of the shop API, which is in the major unit: `49.98`, `"eur"`. */
export function formatAmount(amount: number, currency: string, locale?: string): string {
  return style(currency, locale).format(amount);
}

/** An amount of the session API, which is in the minor unit: `4998`, `"EUR"`. */
export function formatMinor(minor: number, currency: string, locale?: string): string {
  const decimals = decimalsOf(currency);
  const digits = String(minor).padStart(decimals + 1, '0');
  const point = digits.length - decimals;
  const major = `${digits.slice(0, point)}.${digits.slice(point)}0` as `${number}`;
  return style(currency, locale).format(major);
}

function style(currency: string, locale: string | undefined): Intl.NumberFormat {
  const decimals = decimalsOf(currency);
  return new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
}

function all(decimals: number, currencies: string): Record<string, number> {
  return Object.fromEntries(currencies.split(' ').map((code) => [code, decimals]));
}

// Amounts as the visitor's language writes them.

import { formatAmount } from '@till/client';

/** The language of the page's visitor. */
export const locale = navigator.language;

/** An amount of the shop API. */
export const money = (amount: number, currency: string): string =>
  formatAmount(amount, currency, locale);

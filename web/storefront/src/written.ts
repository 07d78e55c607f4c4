// Addresses, times and states of orders, as they are read.

import type { Address, Order } from '@till/client';
import { locale } from './money.js';

const countries = new Intl.DisplayNames(locale, { type: 'region' });

/** An address, line by line. */
export const addressLines = ({ name, company, street, postalCode, city, country }: Address) =>
  [name, company, street, `${postalCode} ${city}`.trim(), countries.of(country) ?? country].filter(
    (line): line is string => Boolean(line),
  );

/** A day. */
export const day = (time: string) =>
  new Date(time).toLocaleDateString(locale, { dateStyle: 'long' });

/** A day and the time of it. */
export const moment = (time: string) =>
  new Date(time).toLocaleString(locale, { dateStyle: 'long', timeStyle: 'short' });

/** What people call an order. */
export const shortName = ({ id }: Order) => id.slice(-8);

/** How far an order has come. */
export const STANDS: Record<Order['status'], string> = {
  pending: 'Not paid yet',
  paid: 'Paid',
  failed: 'Payment failed',
  refunded: 'Refunded',
  cancelled: 'Cancelled',
};

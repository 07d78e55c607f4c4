// What is different in the cart since the shopper last agreed to it.

import type { Cart, CartLine } from '@till/client';

/** A line that is not as the shopper saw it. */
export interface Change {
  lineId: string;
  name: string;
  /** What one piece cost when she agreed, where that has changed. */
  oldUnitPrice?: number;
  newUnitPrice?: number;
  /** How many she wants, where there are fewer. */
  wanted?: number;
  available?: number;
}

/** The changes after an answer. The server tells of a price once: it is kept here until the shopper
 * has agreed. Of stock it tells as long as it is short. */
export function changesIn(cart: Cart, before: readonly Change[]): Change[] {
  return cart.items.flatMap((line) => {
    const known = before.find(({ lineId }) => lineId === line.id);
    const change = { ...priceOf(line, known), ...stockOf(line) };
    if (Object.keys(change).length === 0) return [];
    return [{ lineId: line.id, name: line.name, ...change }];
  });
}

function priceOf({ changed, unitPrice }: CartLine, known: Change | undefined) {
  const oldUnitPrice = known?.oldUnitPrice ?? changed?.oldUnitPrice;
  // It may have come back to what she saw.
  if (oldUnitPrice === undefined || oldUnitPrice === unitPrice) return {};
  return { oldUnitPrice, newUnitPrice: unitPrice };
}

function stockOf({ changed, quantity }: CartLine) {
  if (changed?.available === undefined) return {};
  return { wanted: quantity, available: changed.available };
}

// The cart, Till's own or Elastic Path's, as a page shows it.

import { createTill, formatAmount, orThrow, type Product } from '@till/client';

/** What a page shows of a cart. */
export interface CartView {
  lines: { id: string; name: string; quantity: number; total: string }[];
  total: string;
}

/** Where the cart is. */
export interface CartSource {
  read(): Promise<CartView>;
  add(productId: string): Promise<CartView>;
  remove(lineId: string): Promise<CartView>;
}

const till = createTill();

/** What is for sale. */
export const products = async (): Promise<Product[]> => orThrow(await till.products.list()).items;

/** Gets ready for the checkout of the cart: one that is finished was another's. */
export async function beginCheckout(): Promise<void> {
  const { session } = orThrow(await till.sessions.current());
  if (session?.status === 'complete') orThrow(await till.sessions.open());
}

/** Till's cart, by way of the shop API. */
export const ownCart: CartSource = {
  async read() {
    const { items, subtotal, currency } = orThrow(await till.cart.get());
    const lines = items.map(({ id, name, quantity, lineTotal }) => ({
      id,
      name,
      quantity,
      total: formatAmount(lineTotal, currency),
    }));
    return { lines, total: formatAmount(subtotal, currency) };
  },
  async add(productId) {
    orThrow(await till.cart.add(productId));
    return this.read();
  },
  async remove(lineId) {
    orThrow(await till.cart.remove(lineId));
    return this.read();
  },
};

/** Elastic Path's cart, by way of better-auth's plugin, which makes it with the first product. */
export const elasticPathCart: CartSource = {
  async read() {
    return viewOf(await ask('GET', '/cart'));
  },
  async add(productId) {
    await ask('POST', '/cart/items', { productId, quantity: 1 });
    return this.read();
  },
  async remove(lineId) {
    await ask('DELETE', `/cart/items/${lineId}`);
    return this.read();
  },
};

/** As much of a cart of Elastic Path's as is shown. */
interface EpCart {
  data: { meta: { display_price: { with_tax: EpPrice } } } | null;
  included?: { items?: EpLine[] };
}

interface EpLine {
  id: string;
  name: string;
  quantity: number;
  meta: { display_price: { with_tax: { value: EpPrice } } };
}

interface EpPrice {
  formatted: string;
}

async function ask(method: string, path: string, body?: object): Promise<EpCart> {
  const init: RequestInit = { method };
  if (body) {
    init.headers = { 'content-type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  const answer = await fetch(`/api/ep${path}`, init);
  if (!answer.ok) throw new Error('The cart cannot be reached.');
  return answer.json();
}

function viewOf({ data, included }: EpCart): CartView {
  const lines = (included?.items ?? []).map(({ id, name, quantity, meta }) => ({
    id,
    name,
    quantity,
    total: meta.display_price.with_tax.value.formatted,
  }));
  return { lines, total: data?.meta.display_price.with_tax.formatted ?? '' };
}

// The catalogue and the visitor's cart.

import type { Cart, LineChange, OrderLine, Product, ProductPage } from '../api.js';
import type { PriceChange, Shortage } from '../failure.js';
import { type Books, type Item, type Line, majorOf, subtotalOf, type Visitor } from './books.js';
import { refuse } from './refusal.js';

const PAGE = 24;
const PAGE_MAX = 100;
const QUANTITY_MAX = 9999;

export function listProducts(books: Books, search: URLSearchParams): ProductPage {
  const limit = Number(search.get('limit') ?? PAGE);
  if (!Number.isInteger(limit) || limit < 1 || limit > PAGE_MAX) {
    refuse('request.invalid', { message: `limit is a number from 1 to ${PAGE_MAX}.` });
  }
  const text = (search.get('q') ?? '').trim().toLowerCase();
  const found = books.items.filter(({ sku, name, description }) =>
    [name, sku, description].join('\n').toLowerCase().includes(text),
  );
  const cursor = search.get('cursor');
  if (cursor !== null && !books.items.some(({ id }) => id === cursor)) {
    refuse('request.invalid', {
      message: 'cursor is not one of ours: give the nextCursor of the page before.',
    });
  }
  const rest = found.filter(({ id }) => id > (cursor ?? ''));
  const items = rest.slice(0, limit).map((item) => shown(books, item));
  const last = items.at(-1);
  return rest.length > limit && last ? { items, nextCursor: last.id } : { items };
}

export function getProduct(books: Books, id: string): Product {
  return shown(books, itemOf(books, id));
}

function itemOf(books: Books, id: string): Item {
  return books.items.find((item) => item.id === id) ?? refuse('product.notFound');
}

function shown(books: Books, item: Item): Product {
  const { id, sku, name, description, image } = item;
  const [price, available] = [majorOf(item.minor), books.available(item)];
  const product = { id, sku, name, description, price, currency: 'eur', available };
  return image === undefined ? product : { ...product, image };
}

/** Brings prices up to date, and says what is different. */
export function lookAtCart(books: Books, visitor: Visitor): Cart {
  return change(books, visitor, () => {});
}

/** Does something to the cart, and says what else is different in it. */
function change(books: Books, visitor: Visitor, act: () => void): Cart {
  const { prices } = drift(books, visitor);
  act();
  for (const line of visitor.lines) line.minor = line.item.minor;
  const { shortages } = drift(books, visitor);
  const items = visitor.lines.map((line) => {
    const price = prices.find(({ lineId }) => lineId === line.id);
    const short = shortages.find(({ lineId }) => lineId === line.id);
    if (!price && !short) return shownLine(line);
    const changed: LineChange = {
      ...(price && { oldUnitPrice: price.oldUnitPrice }),
      ...(short && { available: short.available }),
    };
    return { ...shownLine(line), changed };
  });
  const subtotal = majorOf(subtotalOf(visitor.lines));
  return { id: visitor.cartId, items, subtotal, currency: 'eur' };
}

export function addItem(books: Books, visitor: Visitor, body: Record<string, unknown>): Cart {
  const quantity = quantityOf(body.quantity);
  const item = itemOf(books, String(body.productId));
  const there = visitor.lines.find((line) => line.item === item);
  const line = there ?? { id: books.id(), item, minor: item.minor, quantity: 0 };
  const wanted = quantityOf(line.quantity + quantity);
  expectStock(books, visitor, { ...line, quantity: wanted }, there !== undefined);
  return change(books, visitor, () => {
    line.quantity = wanted;
    if (!there) visitor.lines.push(line);
  });
}

export function setQuantity(
  books: Books,
  visitor: Visitor,
  id: string,
  body: Record<string, unknown>,
): Cart {
  const quantity = quantityOf(body.quantity);
  const line = lineOf(visitor, id);
  expectStock(books, visitor, { ...line, quantity }, true);
  return change(books, visitor, () => {
    line.quantity = quantity;
  });
}

export function removeItem(books: Books, visitor: Visitor, id: string): Cart {
  const gone = lineOf(visitor, id);
  return change(books, visitor, () => {
    visitor.lines = visitor.lines.filter((line) => line !== gone);
  });
}

export function clearCart(books: Books, visitor: Visitor): Cart {
  return change(books, visitor, () => {
    visitor.lines = [];
  });
}

/** What is different between the cart and the catalogue. */
export function drift(books: Books, visitor: Visitor) {
  const prices: PriceChange[] = [];
  const shortages: Shortage[] = [];
  for (const line of visitor.lines) {
    const { id: lineId, item, minor } = line;
    const of = { lineId, productId: item.id, name: item.name };
    if (minor !== item.minor) {
      prices.push({ ...of, oldUnitPrice: majorOf(minor), newUnitPrice: majorOf(item.minor) });
    }
    const available = books.available(item, visitor);
    if (line.quantity > available) shortages.push({ ...of, wanted: line.quantity, available });
  }
  return { prices, shortages };
}

function expectStock(books: Books, visitor: Visitor, line: Line, isInCart: boolean): void {
  const available = books.available(line.item, visitor);
  if (line.quantity <= available) return;
  const { id: productId, name } = line.item;
  const short = { productId, name, wanted: line.quantity, available };
  refuse('checkout.stockChanged', {
    details: { lines: [isInCart ? { ...short, lineId: line.id } : short] },
  });
}

function lineOf(visitor: Visitor, id: string): Line {
  return visitor.lines.find((line) => line.id === id) ?? refuse('cartLine.notFound');
}

function quantityOf(asked: unknown): number {
  if (Number.isInteger(asked) && Number(asked) >= 1 && Number(asked) <= QUANTITY_MAX) {
    return Number(asked);
  }
  return refuse('request.invalid', {
    message: `quantity: expected a number from 1 to ${QUANTITY_MAX}.`,
  });
}

/** A line as carts and orders show it. */
export function shownLine({ id, item, minor, quantity }: Line): OrderLine {
  const line = {
    id,
    productId: item.id,
    sku: item.sku,
    name: item.name,
    unitPrice: majorOf(minor),
    quantity,
    lineTotal: majorOf(minor * quantity),
  };
  return item.image === undefined ? line : { ...line, image: item.image };
}

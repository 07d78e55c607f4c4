// What the stub remembers. Ids are counted and the clock ticks with each look at it, so that the same
// calls give the same answers.

import type { Address, Order, PaymentStatus, SessionAddress, ShippingRate } from '../api.js';
import type { CustomAttributes } from '../session.js';

/** A product of the stub's catalogue, in euros. */
export interface StubProduct {
  sku: string;
  name: string;
  description?: string;
  image?: string;
  /** In the major unit: `24.99`. */
  price: number;
  /** How many lie on the shelf. */
  stock: number;
  /** False for a download. */
  requiresShipping?: boolean;
}

/** What the stub's shop is like. Amounts are in the major unit. */
export interface StubOptions {
  /** What it sells; without it a few things for the table. */
  products?: readonly StubProduct[];
  /** What sending costs, and from which subtotal on nothing. */
  shipping?: { flat: number; freeFrom?: number };
  /** The tax that prices contain. */
  taxPercent?: number;
  /** Which custom attributes a session keeps. */
  customAttributes?: readonly string[];
}

/** A product with its stock. */
export interface Item {
  readonly id: string;
  readonly sku: string;
  readonly name: string;
  readonly description: string;
  readonly image: string | undefined;
  readonly requiresShipping: boolean;
  minor: number;
  onHand: number;
}

/** Some pieces of a product at the price that the visitor saw. */
export interface Line {
  readonly id: string;
  readonly item: Item;
  minor: number;
  quantity: number;
}

/** What is to be paid, in the minor unit. */
export interface Totals {
  readonly subtotal: number;
  readonly shipping: number;
  readonly tax: number;
  readonly total: number;
}

/** A payment at the stub's Stripe. */
export interface Payment {
  readonly id: string;
  readonly clientSecret: string;
  status: PaymentStatus;
  /** Why the last try came to nothing. */
  declined?: string;
  /** What has paid the order. */
  eventId?: string;
}

/** Who buys, and where it goes. */
export interface Contact {
  readonly email: string;
  readonly shippingAddress: Address;
  readonly billingAddress: Address;
}

export interface Placed {
  readonly id: string;
  visitor: Visitor;
  /** The customer whose it is. */
  owner?: Account;
  /** The cart and the form that it was made of. */
  readonly fingerprint: string;
  readonly lines: readonly Line[];
  readonly totals: Totals;
  readonly contact: Contact;
  readonly createdAt: string;
  readonly payment: Payment | undefined;
  status: Order['status'];
  paidAt?: string;
}

/** A visitor's checkout session. How it stands follows from the order that it led to. */
export interface Session {
  readonly id: string;
  readonly expiresAt: number;
  cartSeen: string;
  customerInfo: { name: string; email: string } | null;
  shippingAddress: Required<SessionAddress> | null;
  billingAddress: Required<SessionAddress> | null;
  rateId: string | null;
  rates: ShippingRate[];
  totals: Totals;
  requiresShipping: boolean;
  customAttributes: CustomAttributes;
  order?: Placed;
  /** A try that did not even lead to an order. */
  refused?: string;
}

export interface Visitor {
  readonly cartId: string;
  lines: Line[];
  session?: Session;
  /** Where she is signed in. */
  account?: Account;
}

/** A customer. */
export interface Account {
  readonly id: string;
  /** Who she is to cart and checkout wherever she is signed in. */
  readonly home: Visitor;
  email: string;
  password: string;
  name: string;
  marketing?: { since: string; text: string };
  addresses: { readonly id: string; address: Address }[];
  first: string | undefined;
  readonly createdAt: string;
}

/** A letter to a mailbox. */
export interface Letter {
  readonly to: string;
  readonly kind: 'confirm' | 'known' | 'reset';
  /** What stands behind `#token=` in its link. */
  readonly token: string;
  isOpen: boolean;
  readonly account?: Account;
  /** Of whoever asked for it. */
  readonly password: string;
  readonly name: string;
}

const SAMPLE: readonly StubProduct[] = [
  { sku: 'mug', name: 'Stoneware mug', description: 'Thrown by hand.', price: 24.99, stock: 40 },
  { sku: 'dripper', name: 'Pour-over set', description: 'For two cups.', price: 34, stock: 18 },
  {
    sku: 'beans',
    name: 'House coffee, 250 g',
    description: 'Whole beans.',
    price: 13.9,
    stock: 120,
  },
  { sku: 'print', name: 'A print, signed', description: 'The last one.', price: 60, stock: 1 },
  { sku: 'guide', name: 'Brewing guide', price: 9, stock: 999, requiresShipping: false },
];

/** When the stub's clock begins. */
const BEGINNING_MS = Date.UTC(2026, 0, 1);
const TICK_MS = 1000;

export class Books {
  readonly items: readonly Item[];
  readonly orders: Placed[] = [];
  readonly payments: Payment[] = [];
  readonly browsers: Visitor[] = [];
  readonly accounts: Account[] = [];
  readonly letters: Letter[] = [];
  /** The card behind each confirmation token. */
  readonly tokens = new Map<string, string>();
  /** Payments whose events wait, while events are held. */
  held: Payment[] | undefined;
  readonly attributes: readonly string[];
  private readonly flat: number;
  private readonly freeFrom: number;
  private readonly taxPercent: number;
  private counted = 0;
  private ticks = 0;

  constructor(options: StubOptions) {
    const { products = SAMPLE, shipping = { flat: 4.9, freeFrom: 50 }, taxPercent = 19 } = options;
    this.flat = minorOf(shipping.flat);
    this.freeFrom = minorOf(shipping.freeFrom ?? Number.POSITIVE_INFINITY);
    this.taxPercent = taxPercent;
    this.attributes = options.customAttributes ?? [];
    this.items = products.map((product) => ({
      id: this.id(),
      sku: product.sku,
      name: product.name,
      description: product.description ?? '',
      image: product.image,
      requiresShipping: product.requiresShipping ?? true,
      minor: minorOf(product.price),
      onHand: product.stock,
    }));
  }

  /** The next id, in the form of the server's. */
  id(): string {
    this.counted += 1;
    return `00000000-0000-7000-8000-${this.counted.toString(16).padStart(12, '0')}`;
  }

  /** A time after all times before. */
  now(): Date {
    this.ticks += 1;
    return new Date(BEGINNING_MS + this.ticks * TICK_MS);
  }

  sending(subtotal: number): number {
    return subtotal >= this.freeFrom ? 0 : this.flat;
  }

  /** What it costs: prices contain the tax, and halves are rounded up, as the server does. */
  totals(subtotal: number, isSent: boolean): Totals {
    const shipping = isSent ? this.sending(subtotal) : 0;
    const total = subtotal + shipping;
    const whole = 100 + this.taxPercent;
    const tax = Math.floor((2 * total * this.taxPercent + whole) / (2 * whole));
    return { subtotal, shipping, tax, total };
  }

  /** The order of a visitor's cart that waits for its payment. */
  live(visitor: Visitor): Placed | undefined {
    return this.orders.find((order) => order.visitor === visitor && order.status === 'pending');
  }

  /** How many can be ordered; `visitor` does not stand in her own way. */
  available(item: Item, visitor?: Visitor): number {
    const others = this.orders.filter(
      (order) => order.status === 'pending' && order.visitor !== visitor,
    );
    const reserved = sum(
      others.flatMap(({ lines }) =>
        lines.filter((line) => line.item === item).map(({ quantity }) => quantity),
      ),
    );
    return Math.max(0, item.onHand - reserved);
  }
}

export const sum = (numbers: readonly number[]): number =>
  numbers.reduce((whole, part) => whole + part, 0);

/** The minor unit of an amount in euros. */
export const minorOf = (major: number): number => Math.round(major * 100);

/** An amount as the shop API has it. */
export const majorOf = (minor: number): number => minor / 100;

export const subtotalOf = (lines: readonly Line[]): number =>
  sum(lines.map(({ minor, quantity }) => minor * quantity));

export const mustShip = (lines: readonly Line[]): boolean =>
  lines.some(({ item }) => item.requiresShipping);

/** What is in a cart, to be compared. */
export const contents = (lines: readonly Line[]): string =>
  lines.map(({ id, minor, quantity }) => `${id} ${minor} ${quantity}`).join();

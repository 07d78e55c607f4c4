// A shop to test against, with what stands around it: the same for the stub and for the server.

import type { Till } from '../src/index.js';

/** Cards of https://docs.stripe.com/testing. */
export const CARDS = {
  good: '4242424242424242',
  declined: '4000000000000002',
  insufficientFunds: '4000000000009995',
  threeDSecure: '4000000000003220',
} as const;

export type TestCard = (typeof CARDS)[keyof typeof CARDS];

/** A shop in euros that sends everywhere for 4.90, from 50.00 on for nothing, with 19 % of tax. */
export interface Stage {
  /** The shop as somebody without a past sees it. */
  visitor(): Till;
  /** What Stripe.js does in the shopper's browser, and her bank. */
  stripe: {
    /** Stripe's word: a status, or the code of its error. */
    confirmPayment(clientSecret: string, card: TestCard): Promise<string>;
    createConfirmationToken(card: TestCard): Promise<string>;
    authenticate(clientSecret: string, passes: boolean): Promise<void>;
  };
  /** What the link of the newest letter to an address holds, when so many with a link have come. */
  letter(to: string, count?: number): Promise<string>;
  /** The merchant changes the catalogue. */
  setPrice(sku: string, price: string): Promise<void>;
  setStock(sku: string, stock: number): Promise<void>;
  close(): Promise<void>;
}

/** What the shop sells. Tests that change a product have it for themselves. */
export const CATALOGUE = [
  {
    sku: 'mug',
    name: 'Stoneware mug',
    description: 'Thrown by hand.',
    price: '12.00',
    stock: 1000,
  },
  { sku: 'lamp', name: 'Reading lamp', description: 'Bends.', price: '89.99', stock: 1000 },
  { sku: 'rising', name: 'What rises', description: 'In price.', price: '10.00', stock: 1000 },
  { sku: 'rising-too', name: 'What rises too', description: '', price: '10.00', stock: 1000 },
  { sku: 'scarce', name: 'What is scarce', description: '', price: '20.00', stock: 3 },
  { sku: 'last', name: 'The last one', description: '', price: '20.00', stock: 1 },
  { sku: 'cent', name: 'A cent', description: '', price: '0.01', stock: 1000, isDownload: true },
  { sku: 'gift', name: 'A gift', description: '', price: '0.00', stock: 1000, isDownload: true },
  {
    sku: 'book',
    name: 'A book to read',
    description: '',
    price: '19.99',
    stock: 9,
    isDownload: true,
  },
] satisfies CatalogueRow[];

export interface CatalogueRow {
  sku: string;
  name: string;
  description: string;
  price: string;
  stock: number;
  isDownload?: boolean;
}

// What a front end may rely on: one suite, told of the stub and of the real server.

import { afterAll, beforeAll, describe } from 'vitest';
import type { Stage } from '../stage.js';
import { cart, products } from './cart.js';
import { checkout, orders } from './checkout.js';
import { customers } from './customers.js';
import { sessionPayments, sessions } from './sessions.js';
import { Shopper } from './shopper.js';

/** Tells the suite of a shop. */
export function contract(name: string, open: () => Promise<Stage>): void {
  describe(name, () => {
    let stage: Stage;
    beforeAll(async () => {
      stage = await open();
    });
    afterAll(() => stage?.close());

    const shop = () => new Shopper(stage);
    products(shop);
    cart(shop);
    checkout(shop);
    orders(shop);
    customers(shop);
    sessions(shop);
    sessionPayments(shop);
  });
}

// The checkout on the real server and the simulated Stripe; without Stripe's form, which is a browser's.

import { Checkout, type Gateway } from '@till/react';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Shopper } from '../../client/test/contract/shopper.js';
import { openServer } from '../../client/test/server.js';
import { CARDS, type Stage, type TestCard } from '../../client/test/stage.js';

const till = process.env.TILL_BINARY;

describe.skipIf(!till)('a checkout on the server', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openServer(till ?? '');
  });
  afterAll(() => stage.close());

  /** A shopper who has filled in everything, and what her bank does. */
  async function atCheckout(does: 'passes' | 'fails' | 'closes' = 'passes') {
    const ada = new Shopper(stage);
    await ada.add('mug', 2);
    await ada.session();
    const hand: { card: TestCard; tokens: number } = { card: CARDS.good, tokens: 0 };
    const gateway: Gateway = {
      async confirm() {
        hand.tokens += 1;
        return { confirmation_token: await stage.stripe.createConfirmationToken(hand.card) };
      },
      async completeRequiresAction(clientToken) {
        if (does !== 'closes') await stage.stripe.authenticate(clientToken, does === 'passes');
      },
    };
    const open = async (of = ada.till) => {
      const checkout = new Checkout(of);
      checkout.registerGateway(gateway);
      const leave = checkout.attach();
      await expect.poll(() => checkout.state().isLoading).toBe(false);
      return { checkout, leave };
    };
    return { ada, hand, open };
  }

  const stateOf = (checkout: Checkout) => {
    const { session } = checkout.state();
    return `${session?.status} ${session?.payment.status}`;
  };

  it('is paid once by two clicks in two tabs', async () => {
    const { ada, hand, open } = await atCheckout();
    const tabs = [await open(), await open()];
    await Promise.all(
      tabs.flatMap(({ checkout }) => [checkout.placeOrder(), checkout.placeOrder()]),
    );
    const orders = new Set(tabs.map(({ checkout }) => checkout.state().session?.order?.id));
    expect(tabs.map(({ checkout }) => stateOf(checkout))).toEqual(
      Array(2).fill('complete succeeded'),
    );
    expect([orders.size, hand.tokens]).toEqual([1, 2]);
    const [order = ''] = orders;
    expect((await ada.untilPaid(order)).total).toBe(28.9);
    for (const { leave } of tabs) leave();
  });

  it('takes another card after a decline', async () => {
    const { hand, open } = await atCheckout();
    const { checkout, leave } = await open();
    hand.card = CARDS.insufficientFunds;
    const declined = await checkout.placeOrder();
    expect(declined).toMatchObject({
      success: true,
      paymentError: expect.stringContaining('funds'),
    });
    expect(stateOf(checkout)).toBe('open failed');
    hand.card = CARDS.good;
    await checkout.placeOrder();
    expect(stateOf(checkout)).toBe('complete succeeded');
    leave();
  });

  it.for([
    ['passes', 'complete succeeded'],
    ['fails', 'open failed'],
    ['closes', 'open failed'],
  ] as const)('comes back from a bank that she %s', async ([does, end]) => {
    const { hand, open } = await atCheckout(does);
    const { checkout, leave } = await open();
    hand.card = CARDS.threeDSecure;
    await checkout.placeOrder();
    expect(stateOf(checkout)).toBe(end);
    hand.card = CARDS.good;
    await checkout.placeOrder();
    expect(stateOf(checkout)).toBe('complete succeeded');
    leave();
  });

  it('is found paid when the answer was lost', async () => {
    const { ada, hand, open } = await atCheckout();
    const pay: typeof ada.till.sessions.pay = async (means) => {
      await ada.till.sessions.pay(means);
      return { ok: false, failure: { code: 'network', message: 'gone', cause: undefined } };
    };
    const sessions = { ...ada.till.sessions, pay };
    const { checkout, leave } = await open({ ...ada.till, sessions });
    await checkout.placeOrder();
    expect([stateOf(checkout), hand.tokens]).toEqual(['complete succeeded', 1]);
    leave();
  });
});

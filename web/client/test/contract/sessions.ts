// Checkout sessions, and how they are paid.

import { expect, it } from 'vitest';
import { orThrow } from '../../src/index.js';
import { CARDS } from '../stage.js';
import { SESSION_ADDRESS, type Shop, said, state } from './shopper.js';

export function sessions(shop: Shop) {
  it('opens a session on the cart, in minor units', async () => {
    const ada = shop();
    expect(orThrow(await ada.till.sessions.current())).toEqual({
      session: null,
      paymentError: undefined,
      reconciliationPending: false,
    });
    expect(said(await ada.till.sessions.open())).toBe('400 VALIDATION_ERROR');
    expect(said(await ada.till.sessions.update({}))).toBe('410 SESSION_GONE');
    await ada.add('mug', 2);
    const { session } = orThrow(await ada.till.sessions.open());
    expect(session).toEqual({
      id: session.id,
      status: 'open',
      cartId: session.cartId,
      customerInfo: null,
      shippingAddress: null,
      billingAddress: null,
      selectedShippingRateId: null,
      availableShippingRates: [],
      totals: { subtotal: 2400, tax: 0, shipping: 0, total: 2400, currency: 'EUR' },
      requiresShipping: true,
      customAttributes: {},
      payment: {
        gateway: null,
        status: 'idle',
        clientToken: null,
        gatewayMetadata: {},
        actionData: null,
      },
      order: null,
      expiresAt: session.expiresAt,
    });
    expect(orThrow(await ada.till.sessions.current()).session?.id).toBe(session.id);
  });

  it('is filled in step by step, and priced with each', async () => {
    const ada = shop();
    await ada.add('mug', 2);
    orThrow(await ada.till.sessions.open());
    expect(said(await ada.till.sessions.shipping())).toBe('400 MISSING_SHIPPING_ADDRESS');
    expect(await ada.pay(CARDS.good)).toMatchObject({
      failure: {
        code: 'MISSING_FIELDS',
        message:
          'Missing required fields: customerInfo, billingAddress, shippingAddress, selectedShippingRateId',
      },
    });
    await ada.fillIn();
    const { session } = orThrow(
      await ada.till.sessions.update({ customAttributes: { gift: true, secret: 'x' } }),
    );
    expect(session?.availableShippingRates).toEqual([
      {
        id: 'standard',
        name: 'Standard',
        description: '',
        amount: 490,
        currency: 'EUR',
        deliveryTime: '',
        serviceLevel: 'standard',
        carrier: '',
      },
    ]);
    expect(session).toMatchObject({
      customerInfo: { name: 'Ada Beispiel', email: 'ada@example.org' },
      shippingAddress: { ...SESSION_ADDRESS, company: '', line2: '', county: '' },
      selectedShippingRateId: 'standard',
      customAttributes: { gift: true },
      totals: { subtotal: 2400, tax: 461, shipping: 490, total: 2890, currency: 'EUR' },
    });
  });

  it('drops a rate that is not offered', async () => {
    const ada = shop();
    await ada.add('mug');
    await ada.session();
    const { session } = orThrow(
      await ada.till.sessions.update({ selectedShippingRateId: 'express' }),
    );
    expect(session?.selectedShippingRateId).toBeNull();
    expect(said(await ada.pay(CARDS.good))).toBe('400 MISSING_FIELDS');
  });

  it('sends no download', async () => {
    const ada = shop();
    await ada.add('book');
    await ada.session();
    const { session } = orThrow(await ada.till.sessions.current());
    expect(session).toMatchObject({
      requiresShipping: false,
      availableShippingRates: [],
      totals: { subtotal: 1999, shipping: 0, tax: 319, total: 1999 },
    });
  });
}

export function sessionPayments(shop: Shop) {
  it('pays a session in one call', async () => {
    const ada = shop();
    await ada.add('mug', 2);
    await ada.session();
    const answer = await ada.pay(CARDS.good);
    expect(state(answer)).toBe('complete succeeded');
    const { session, paymentError } = orThrow(answer);
    expect(paymentError).toBeUndefined();
    const order = await ada.untilPaid(session?.order?.id ?? '');
    expect(order.total).toBe(28.9);
    expect(await ada.cart()).toBe('');
    expect(state(await ada.pay(CARDS.good))).toBe('complete succeeded');
    expect(said(await ada.till.sessions.update({}))).toBe('400 SESSION_NOT_OPEN');
  });

  it('stays open after a decline, and says why', async () => {
    const ada = shop();
    await ada.add('mug');
    await ada.session();
    const declined = await ada.pay(CARDS.insufficientFunds);
    expect(state(declined)).toBe('open failed');
    const { session, paymentError } = orThrow(declined);
    expect(paymentError).toBe('Your card has insufficient funds.');
    expect(session).toMatchObject({
      order: null,
      payment: { gateway: 'stripe', gatewayMetadata: { lastError: paymentError } },
    });
    const paid = await ada.pay(CARDS.good);
    expect(state(paid)).toBe('complete succeeded');
    await ada.untilPaid(orThrow(paid).session?.order?.id ?? '');
  });

  it('goes on after the shopper has been at her bank’s', async () => {
    const ada = shop();
    await ada.add('mug');
    await ada.session();
    const asked = await ada.pay(CARDS.threeDSecure);
    expect(state(asked)).toBe('open requires_action');
    const payment = orThrow(asked).session?.payment;
    expect(payment?.actionData?.type).toBe('stripe_3ds');
    const secret = payment?.clientToken ?? '';
    const early = await ada.till.sessions.resume();
    expect(said(early)).toBe('409 PAYMENT_STILL_REQUIRES_ACTION');
    await ada.stage.stripe.authenticate(secret, true);
    const resumed = await ada.till.sessions.resume();
    expect(state(resumed)).toBe('complete succeeded');
    await ada.untilPaid(orThrow(resumed).session?.order?.id ?? '');
  });

  it('can be given up at the bank’s, and paid with another card', async () => {
    const ada = shop();
    await ada.add('mug');
    await ada.session();
    expect(said(await ada.till.sessions.abandon())).toBe('400 SESSION_NOT_ABANDONABLE');
    expect(said(await ada.till.sessions.resume())).toBe('400 SESSION_NOT_RESUMABLE');
    orThrow(await ada.pay(CARDS.threeDSecure));
    expect(state(await ada.till.sessions.abandon())).toBe('open failed');
    expect(state(await ada.pay(CARDS.good))).toBe('complete succeeded');
  });

  it('shows a cart that has changed before it is paid', async () => {
    const ada = shop();
    await ada.add('mug', 2);
    await ada.session();
    await ada.add('mug');
    const answer = await ada.pay(CARDS.good);
    expect(answer).toMatchObject({
      failure: { code: 'CART_MISMATCH', details: { session: { totals: { total: 4090 } } } },
    });
    expect(state(await ada.pay(CARDS.good))).toBe('complete succeeded');
  });

  it('charges nothing that the page has not shown, however often she clicks', async () => {
    const ada = shop();
    await ada.add('mug', 2);
    await ada.session();
    await ada.add('mug');
    for (const click of ['first', 'second']) {
      expect([click, said(await ada.pay(CARDS.good, 2890))]).toEqual([click, '409 CART_MISMATCH']);
    }
    for (const total of [-1, 40.9]) {
      expect(said(await ada.pay(CARDS.good, total))).toBe('400 VALIDATION_ERROR');
    }
    const paid = await ada.pay(CARDS.good, 4090);
    expect(state(paid)).toBe('complete succeeded');
    const again = orThrow(await ada.pay(CARDS.good, 2890));
    expect(again.session?.order).toEqual(orThrow(paid).session?.order);
  });

  it('is complete at once where there is nothing to pay', async () => {
    const ada = shop();
    await ada.add('gift');
    await ada.session();
    const answer = await ada.till.sessions.pay({ gateway: 'manual', total: 0 });
    expect(state(answer)).toBe('complete succeeded');
    expect(orThrow(answer).session?.payment).toMatchObject({
      gateway: 'manual',
      gatewayMetadata: { free: true },
    });
  });

  it('takes no other means', async () => {
    const ada = shop();
    await ada.add('mug');
    await ada.session();
    const total = await ada.total();
    const nothing = await ada.till.sessions.pay({ gateway: 'manual', total });
    expect(said(nothing)).toBe('400 UNKNOWN_GATEWAY');
    const none = { gateway: 'stripe', confirmation_token: 'ctoken_of_nobody', total } as const;
    expect(state(await ada.till.sessions.pay(none))).toBe('open failed');
  });

  it('takes the place of an order that was not confirmed', async () => {
    const ada = shop();
    await ada.add('mug');
    const { orderId, clientSecret } = await ada.intent();
    await ada.session();
    expect(state(await ada.pay(CARDS.good))).toBe('complete succeeded');
    expect(orThrow(await ada.till.orders.get(orderId)).status).toBe('cancelled');
    const word = await ada.stage.stripe.confirmPayment(clientSecret, CARDS.good);
    expect(word).toBe('payment_intent_unexpected_state');
  });
}

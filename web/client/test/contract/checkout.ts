// From the cart to a paid order.

import { expect, it } from 'vitest';
import { type CheckoutRequest, orThrow } from '../../src/index.js';
import { CARDS } from '../stage.js';
import { ADDRESS, FORM, NOBODY, type Shop, said } from './shopper.js';

export function checkout(shop: Shop) {
  it('makes the cart an order with the server’s totals', async () => {
    const ada = shop();
    await ada.add('mug', 2);
    const intent = await ada.intent();
    expect(intent).toMatchObject({ amount: 28.9, currency: 'eur' });
    expect(intent.clientSecret).toContain('_secret_');
    expect(intent.publishableKey).toMatch(/^pk_test_/);
    expect(intent.stripeJsUrl).toMatch(/^https?:/);
    const order = orThrow(await ada.till.checkout.getOrder(intent.orderId));
    expect(order).toEqual({
      id: intent.orderId,
      status: 'pending',
      items: [{ ...(await ada.line('mug')), id: order.items[0]?.id }],
      subtotal: 24,
      shipping: 4.9,
      tax: 4.61,
      taxIncluded: true,
      total: 28.9,
      currency: 'eur',
      customer: { email: 'ada@example.org' },
      shippingAddress: ADDRESS,
      billingAddress: ADDRESS,
      createdAt: order.createdAt,
      payment: { status: 'open', disputed: false },
    });
    expect(await ada.intent()).toEqual(intent);
  });

  it('reserves the pieces of an order, though not from its own shopper', async () => {
    const [ada, ben] = [shop(), shop()];
    await ada.add('last');
    await ben.add('last');
    await ada.intent();
    expect((await ben.product('last')).available).toBe(0);
    expect(said(await ben.till.checkout.createIntent(FORM))).toBe('409 checkout.stockChanged');
    await ada.add('mug');
    const { orderId } = await ada.intent();
    orThrow(await ada.till.orders.cancel(orderId));
    expect((await ben.product('last')).available).toBe(1);
  });

  it('pays an order with a good card, and takes it from the cart', async () => {
    const ada = shop();
    await ada.add('mug', 2);
    const { orderId, clientSecret } = await ada.intent();
    await ada.add('lamp');
    expect(await ada.stage.stripe.confirmPayment(clientSecret, CARDS.good)).toBe('succeeded');
    const answer = await ada.till.checkout.confirm(orderId);
    expect(said(answer)).toBe('ok');
    const order = await ada.untilPaid(orderId);
    expect(order.paidAt).toBeDefined();
    expect(order.payment).toMatchObject({ status: 'succeeded', disputed: false });
    expect(await ada.cart()).toBe('1 x lamp');
    expect(said(await ada.till.orders.cancel(orderId))).toBe('409 request.conflict');
  });

  it('lets the shopper try another card after a decline', async () => {
    const ada = shop();
    await ada.add('mug');
    const { orderId, clientSecret } = await ada.intent();
    const word = await ada.stage.stripe.confirmPayment(clientSecret, CARDS.insufficientFunds);
    expect(word).toBe('card_declined');
    expect(await ada.till.checkout.confirm(orderId)).toMatchObject({
      failure: {
        code: 'payment.declined',
        status: 402,
        message: 'Your card has insufficient funds.',
      },
    });
    const declined = orThrow(await ada.till.orders.get(orderId));
    expect([declined.status, declined.payment?.status]).toEqual(['pending', 'declined']);
    expect((await ada.intent()).clientSecret).toBe(clientSecret);
    await ada.stage.stripe.confirmPayment(clientSecret, CARDS.good);
    orThrow(await ada.till.checkout.confirm(orderId));
    await ada.untilPaid(orderId);
  });

  it('waits for the shopper’s bank, and goes on when she has passed', async () => {
    const ada = shop();
    await ada.add('mug');
    const { orderId, clientSecret } = await ada.intent();
    const word = await ada.stage.stripe.confirmPayment(clientSecret, CARDS.threeDSecure);
    expect(word).toBe('requires_action');
    expect(said(await ada.till.checkout.confirm(orderId))).toBe('402 payment.authRequired');
    await ada.stage.stripe.authenticate(clientSecret, true);
    orThrow(await ada.till.checkout.confirm(orderId));
    await ada.untilPaid(orderId);
  });

  it('declines when she has not passed', async () => {
    const ada = shop();
    await ada.add('mug');
    const { orderId, clientSecret } = await ada.intent();
    await ada.stage.stripe.confirmPayment(clientSecret, CARDS.threeDSecure);
    await ada.stage.stripe.authenticate(clientSecret, false);
    expect(said(await ada.till.checkout.confirm(orderId))).toBe('402 payment.declined');
  });

  it('shows an order that nobody has confirmed as it is', async () => {
    const ada = shop();
    await ada.add('mug');
    const { orderId } = await ada.intent();
    const order = orThrow(await ada.till.checkout.confirm(orderId));
    expect([order.status, order.payment?.status]).toEqual(['pending', 'open']);
  });

  it('replaces the order of a cart that has changed', async () => {
    const ada = shop();
    await ada.add('mug');
    const first = await ada.intent();
    await ada.add('mug');
    const second = await ada.intent();
    expect(second.orderId).not.toBe(first.orderId);
    const over = orThrow(await ada.till.orders.get(first.orderId));
    expect([over.status, over.payment?.status]).toEqual(['cancelled', 'cancelled']);
    const word = await ada.stage.stripe.confirmPayment(first.clientSecret, CARDS.good);
    expect(word).toBe('payment_intent_unexpected_state');
  });

  it('asks for no payment where there is nothing to pay', async () => {
    const ada = shop();
    await ada.add('gift');
    const intent = orThrow(await ada.till.checkout.createIntent(FORM));
    expect(intent).not.toHaveProperty('clientSecret');
    const order = orThrow(await ada.till.orders.get(intent.orderId));
    expect([order.status, order.total, order.payment]).toEqual(['paid', 0, undefined]);
    expect(await ada.cart()).toBe('');
  });

  it('refuses a cart that cannot become an order, and says why', async () => {
    const ada = shop();
    expect(said(await ada.till.checkout.createIntent(FORM))).toBe('400 checkout.cartEmpty');
    await ada.add('cent');
    expect(await ada.till.checkout.createIntent(FORM)).toMatchObject({
      failure: { code: 'checkout.amountTooSmall', details: { minimum: 0.5 } },
    });
  });

  it('names the field that is wrong', async () => {
    const ada = shop();
    await ada.add('mug');
    const wrong: [Partial<CheckoutRequest>, string][] = [
      [{ email: 'nobody' }, 'email'],
      [{ shippingAddress: { ...ADDRESS, country: 'XX' } }, 'shippingAddress.country'],
      [{ shippingAddress: { ...ADDRESS, postalCode: 'x' } }, 'shippingAddress.postalCode'],
      [{ billingAddress: { ...ADDRESS, name: ' ' } }, 'billingAddress.name'],
      [{ billingAddress: { ...ADDRESS, city: '' } }, 'billingAddress.city'],
    ];
    for (const [change, field] of wrong) {
      expect(await ada.till.checkout.createIntent({ ...FORM, ...change })).toMatchObject({
        failure: { code: 'checkout.addressInvalid', status: 400, details: { field } },
      });
    }
  });
}

export function orders(shop: Shop) {
  it('shows an order to its visitor alone', async () => {
    const [ada, ben] = [shop(), shop()];
    await ada.add('mug');
    const { orderId } = await ada.intent();
    expect(said(await ben.till.orders.get(orderId))).toBe('404 order.notFound');
    expect(said(await ben.till.orders.get(orderId, { token: 'x' }))).toBe('404 order.notFound');
    expect(said(await ben.till.checkout.confirm(orderId))).toBe('404 order.notFound');
    expect(said(await ben.till.orders.cancel(orderId))).toBe('404 order.notFound');
    expect(said(await ada.till.orders.get(NOBODY))).toBe('404 order.notFound');
  });

  it('gives an unpaid order up, once and for all', async () => {
    const ada = shop();
    await ada.add('mug');
    const { orderId, clientSecret } = await ada.intent();
    for (let times = 0; times < 2; times += 1) {
      const order = orThrow(await ada.till.orders.cancel(orderId));
      expect([order.status, order.payment?.status]).toEqual(['cancelled', 'cancelled']);
    }
    const word = await ada.stage.stripe.confirmPayment(clientSecret, CARDS.good);
    expect(word).toBe('payment_intent_unexpected_state');
    expect(await ada.cart()).toBe('1 x mug');
    expect((await ada.intent()).orderId).not.toBe(orderId);
  });
}

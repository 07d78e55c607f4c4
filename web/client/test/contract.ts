// What a front end may rely on: one suite, told of the stub and of the real server.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Answer,
  type CheckoutRequest,
  type CodesOf,
  type Order,
  orThrow,
  type SessionState,
  type Till,
} from '../src/index.js';
import { CARDS, CATALOGUE, type Stage } from './stage.js';

const ADDRESS = {
  name: 'Ada Beispiel',
  street: 'Hauptstr. 1',
  postalCode: '10115',
  city: 'Berlin',
  country: 'DE',
};
const FORM: CheckoutRequest = {
  email: 'ada@example.org',
  shippingAddress: ADDRESS,
  acceptsMarketing: false,
};
const SESSION_ADDRESS = {
  firstName: 'Ada',
  lastName: 'Beispiel',
  line1: 'Hauptstr. 1',
  city: 'Berlin',
  country: 'DE',
  postcode: '10115',
};
const NOBODY = '00000000-0000-7000-8000-00000000dead';

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
    sessions(shop);
    sessionPayments(shop);
  });
}

/** Somebody who buys, and who looks at the whole answer. */
class Shopper {
  readonly till: Till;

  constructor(readonly stage: Stage) {
    this.till = stage.visitor();
  }

  async product(sku: string) {
    const page = orThrow(await this.till.products.search(sku));
    const product = page.items.find((found) => found.sku === sku);
    if (!product) throw new Error(`no ${sku}`);
    return product;
  }

  async add(sku: string, quantity = 1) {
    return this.till.cart.add((await this.product(sku)).id, quantity);
  }

  /** What is in the cart, such as `2 x mug`. */
  async cart() {
    const { items } = orThrow(await this.till.cart.get());
    return items.map(({ quantity, sku }) => `${quantity} x ${sku}`).join(', ');
  }

  async line(sku: string) {
    const { items } = orThrow(await this.till.cart.get());
    const line = items.find((found) => found.sku === sku);
    if (!line) throw new Error(`no line with ${sku}`);
    return line;
  }

  async intent(form = FORM) {
    const intent = orThrow(await this.till.checkout.createIntent(form));
    return { ...intent, clientSecret: intent.clientSecret ?? '' };
  }

  async untilPaid(order: string): Promise<Order> {
    const end = Date.now() + 10_000;
    for (;;) {
      const seen = orThrow(await this.till.orders.get(order));
      if (seen.status === 'paid') return seen;
      if (Date.now() > end) throw new Error(`the order is ${seen.status}`);
      await new Promise((passed) => setTimeout(passed, 50));
    }
  }

  /** Opens a session that has everything that is needed to pay. */
  async session() {
    orThrow(await this.till.sessions.open());
    await this.fillIn();
  }

  async fillIn() {
    orThrow(
      await this.till.sessions.update({
        customerInfo: { name: 'Ada Beispiel', email: 'ada@example.org' },
        shippingAddress: SESSION_ADDRESS,
        billingAddress: SESSION_ADDRESS,
      }),
    );
    const { session } = orThrow(await this.till.sessions.shipping());
    const rate = session.availableShippingRates[0];
    if (rate) orThrow(await this.till.sessions.update({ selectedShippingRateId: rate.id }));
  }

  async pay(card: (typeof CARDS)[keyof typeof CARDS]) {
    const token = await this.stage.stripe.createConfirmationToken(card);
    return this.till.sessions.pay({ gateway: 'stripe', confirmation_token: token });
  }
}

type Shop = () => Shopper;

/** A failure's status and code, or `ok`. */
function said(answer: Answer<unknown, keyof CodesOf>): string {
  if (answer.ok) return 'ok';
  return 'status' in answer.failure
    ? `${answer.failure.status} ${answer.failure.code}`
    : answer.failure.code;
}

/** The two words of a session's state. */
function state(answer: Answer<SessionState, keyof CodesOf>): string {
  const { session } = orThrow(answer);
  return `${session?.status} ${session?.payment.status}`;
}

function products(shop: Shop) {
  it('lists its products page by page, each once', async () => {
    const { till } = shop();
    const skus: string[] = [];
    let cursor: string | undefined;
    do {
      const page = orThrow(await till.products.list({ limit: 4, cursor }));
      expect(page.items.length).toBeLessThanOrEqual(4);
      skus.push(...page.items.map(({ sku }) => sku));
      cursor = page.nextCursor;
    } while (cursor);
    expect(skus.toSorted()).toEqual(CATALOGUE.map(({ sku }) => sku).toSorted());
  });

  it('finds products by a text in name, number or description', async () => {
    const { till } = shop();
    for (const text of ['stoneware', 'MUG', 'by hand']) {
      const { items } = orThrow(await till.products.search(text));
      expect(items.map(({ sku }) => sku)).toEqual(['mug']);
    }
    expect(orThrow(await till.products.search('nothing of ours'))).toEqual({ items: [] });
  });

  it('shows one product, with its price in the major unit', async () => {
    const shopper = shop();
    const mug = await shopper.product('mug');
    expect(mug).toEqual({
      id: mug.id,
      sku: 'mug',
      name: 'Stoneware mug',
      description: 'Thrown by hand.',
      price: 12,
      currency: 'eur',
      available: mug.available,
    });
    expect(orThrow(await shopper.till.products.get(mug.id)).sku).toBe('mug');
    expect(said(await shopper.till.products.get(NOBODY))).toBe('404 product.notFound');
    expect(said(await shopper.till.products.get('no id'))).toBe('404 product.notFound');
  });

  it('refuses pages that there are not', async () => {
    const { till } = shop();
    expect(said(await till.products.list({ limit: 0 }))).toBe('400 request.invalid');
    expect(said(await till.products.list({ limit: 101 }))).toBe('400 request.invalid');
    expect(said(await till.products.list({ cursor: 'x' }))).toBe('400 request.invalid');
  });
}

function cart(shop: Shop) {
  it('keeps a cart for each visitor, and adds it up', async () => {
    const [ada, ben] = [shop(), shop()];
    expect(orThrow(await ada.till.cart.get())).toMatchObject({ items: [], subtotal: 0 });
    orThrow(await ada.add('mug'));
    orThrow(await ada.add('lamp', 2));
    const cart = orThrow(await ada.add('mug', 2));
    const [mug, lamp] = [await ada.product('mug'), await ada.product('lamp')];
    expect(cart).toEqual({
      id: cart.id,
      currency: 'eur',
      subtotal: 215.98,
      items: [
        {
          id: cart.items[0]?.id,
          productId: mug.id,
          sku: 'mug',
          name: 'Stoneware mug',
          unitPrice: 12,
          quantity: 3,
          lineTotal: 36,
        },
        {
          id: cart.items[1]?.id,
          productId: lamp.id,
          sku: 'lamp',
          name: 'Reading lamp',
          unitPrice: 89.99,
          quantity: 2,
          lineTotal: 179.98,
        },
      ],
    });
    expect(await ben.cart()).toBe('');
  });

  it('changes, removes and clears lines', async () => {
    const ada = shop();
    await ada.add('mug');
    await ada.add('lamp');
    const { id } = await ada.line('mug');
    expect(orThrow(await ada.till.cart.setQuantity(id, 5)).items[0]?.quantity).toBe(5);
    orThrow(await ada.till.cart.remove(id));
    expect(await ada.cart()).toBe('1 x lamp');
    expect(orThrow(await ada.till.cart.clear()).items).toEqual([]);
    expect(said(await ada.till.cart.remove(id))).toBe('404 cartLine.notFound');
    expect(said(await ada.till.cart.setQuantity(id, 1))).toBe('404 cartLine.notFound');
    expect(said(await ada.till.cart.setQuantity('no id', 1))).toBe('404 cartLine.notFound');
  });

  it('takes no quantity that is none', async () => {
    const ada = shop();
    const { id } = await ada.product('mug');
    for (const quantity of [0, -1, 10_000, 1.5]) {
      expect(said(await ada.till.cart.add(id, quantity))).toBe('400 request.invalid');
    }
    expect(said(await ada.till.cart.add(NOBODY, 1))).toBe('404 product.notFound');
    expect(await ada.cart()).toBe('');
  });

  it('says how many there are where there are fewer', async () => {
    const ada = shop();
    const { id } = await ada.product('scarce');
    const answer = await ada.till.cart.add(id, 4);
    expect(answer).toMatchObject({
      failure: {
        code: 'checkout.stockChanged',
        status: 409,
        details: { lines: [{ productId: id, name: 'What is scarce', wanted: 4, available: 3 }] },
      },
    });
    await ada.add('scarce', 2);
    expect(said(await ada.add('scarce', 2))).toBe('409 checkout.stockChanged');
    expect(await ada.cart()).toBe('2 x scarce');
  });

  it('brings prices up to date when it is looked at, and says so once', async () => {
    const ada = shop();
    await ada.add('rising', 2);
    await ada.stage.setPrice('rising', '11.00');
    const form = await ada.till.checkout.createIntent(FORM);
    expect(form).toMatchObject({
      failure: {
        code: 'checkout.priceChanged',
        status: 409,
        details: { lines: [{ name: 'What rises', oldUnitPrice: 10, newUnitPrice: 11 }] },
      },
    });
    const changed = orThrow(await ada.till.cart.get());
    expect(changed.items[0]).toMatchObject({
      unitPrice: 11,
      lineTotal: 22,
      changed: { oldUnitPrice: 10 },
    });
    const again = orThrow(await ada.till.cart.get());
    expect(again.items[0]).not.toHaveProperty('changed');
    expect((await ada.intent()).amount).toBe(26.9);
  });

  it('says what is gone until the shopper has changed it', async () => {
    const ada = shop();
    await ada.add('scarce', 3);
    await ada.stage.setStock('scarce', 2);
    const short = { wanted: 3, available: 2 };
    const answer = await ada.till.checkout.createIntent(FORM);
    expect(answer).toMatchObject({
      failure: { code: 'checkout.stockChanged', details: { lines: [short] } },
    });
    for (let looks = 0; looks < 2; looks += 1) {
      const { items } = orThrow(await ada.till.cart.get());
      expect(items[0]?.changed).toEqual({ available: 2 });
    }
    await ada.stage.setStock('scarce', 3);
  });
}

function checkout(shop: Shop) {
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

function orders(shop: Shop) {
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

function sessions(shop: Shop) {
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

function sessionPayments(shop: Shop) {
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

  it('is complete at once where there is nothing to pay', async () => {
    const ada = shop();
    await ada.add('gift');
    await ada.session();
    const answer = await ada.till.sessions.pay({ gateway: 'manual' });
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
    expect(said(await ada.till.sessions.pay({ gateway: 'manual' }))).toBe('400 UNKNOWN_GATEWAY');
    const none = { gateway: 'stripe', confirmation_token: 'ctoken_of_nobody' } as const;
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

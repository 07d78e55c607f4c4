// The catalogue and the cart.

import { expect, it } from 'vitest';
import { orThrow } from '../../src/index.js';
import { CATALOGUE } from '../stage.js';
import { FORM, NOBODY, type Shop, said } from './shopper.js';

export function products(shop: Shop) {
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

export function cart(shop: Shop) {
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

  it('says with every change what else is different', async () => {
    const ada = shop();
    await ada.add('rising-too');
    await ada.stage.setPrice('rising-too', '11.00');
    const cart = orThrow(await ada.add('mug'));
    expect(cart.subtotal).toBe(23);
    expect(cart.items.map(({ changed }) => changed)).toEqual([{ oldUnitPrice: 10 }, undefined]);
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

import type { Fetch } from '@till/client';
import { useCart, useTill } from '@till/vue';
import { describe, expect, it } from 'vitest';
import { createApp } from 'vue';
import { openShop } from './shop.js';

async function cartWith(...skus: string[]) {
  const shop = openShop();
  const cart = shop.inApp(useCart);
  for (const sku of skus) await cart.add(await shop.product(sku));
  return { ...shop, cart };
}

describe('the cart', () => {
  it('shows what the server says, to every component the same', async () => {
    const { cart, inApp, product } = await cartWith('mug');
    expect(await cart.add(await product('lamp'), 2)).toBe(true);
    const other = inApp(useCart);
    expect(other.cart?.subtotal).toBe(92);
    expect([other.lines.length, other.pieces]).toEqual([2, 3]);
    await other.remove(other.lines[0]?.id ?? '');
    expect(cart.lines.map(({ sku }) => sku)).toEqual(['lamp']);
    await cart.clear();
    expect(cart.pieces).toBe(0);
  });

  it('keeps what it shows when a change does not come about, and says why', async () => {
    const { cart, product } = await cartWith('mug');
    expect(await cart.add(await product('mug'), 10)).toBe(false);
    expect(cart.failure?.code).toBe('checkout.stockChanged');
    expect(cart.pieces).toBe(1);
    await cart.refresh();
    expect(cart.failure).toBeNull();
  });

  it('sends one change after the other, so that the last one stays', async () => {
    let now = 0;
    const crowded: number[] = [];
    const slow =
      (fetch: Fetch): Fetch =>
      async (url, init) => {
        now += 1;
        crowded.push(now);
        await Promise.resolve();
        const answer = await fetch(url, init);
        now -= 1;
        return answer;
      };
    const shop = openShop(slow);
    const cart = shop.inApp(useCart);
    await cart.add(await shop.product('mug'));
    const line = cart.lines[0]?.id ?? '';
    const clicks = [2, 3, 4].map((quantity) => cart.setQuantity(line, quantity));
    expect(cart.isBusy).toBe(true);
    await Promise.all(clicks);
    expect([cart.isBusy, cart.pieces]).toEqual([false, 4]);
    expect(Math.max(...crowded)).toBe(1);
  });

  it('keeps a change of price until the shopper has agreed, though the server says it once', async () => {
    const { cart, stub } = await cartWith('mug', 'lamp');
    stub.setPrice('mug', 13);
    await cart.refresh();
    stub.setPrice('mug', 14);
    await cart.refresh();
    await cart.refresh();
    expect(cart.changes).toEqual([
      { lineId: cart.lines[0]?.id, name: 'Mug', oldUnitPrice: 12, newUnitPrice: 14 },
    ]);
    expect(await cart.acceptChanges()).toBe(true);
    expect(cart.changes).toEqual([]);
  });

  it('forgets a change of price that was taken back', async () => {
    const { cart, stub } = await cartWith('mug');
    stub.setPrice('mug', 13);
    await cart.refresh();
    stub.setPrice('mug', 12);
    await cart.refresh();
    expect(cart.changes).toEqual([]);
  });

  it('takes what there is when the shopper agrees to less', async () => {
    const { cart, stub, product } = await cartWith('mug');
    await cart.add(await product('lamp'), 3);
    stub.setStock('mug', 0);
    stub.setStock('lamp', 2);
    await cart.refresh();
    expect(cart.changes).toMatchObject([
      { name: 'Mug', wanted: 1, available: 0 },
      { name: 'Lamp', wanted: 3, available: 2 },
    ]);
    expect(await cart.acceptChanges()).toBe(true);
    expect(cart.lines.map(({ sku, quantity }) => `${quantity} x ${sku}`)).toEqual(['2 x lamp']);
  });

  it('does not agree to what has changed while she did', async () => {
    const { cart, stub, product } = await cartWith('mug');
    await cart.add(await product('lamp'), 3);
    stub.setStock('lamp', 2);
    stub.setPrice('mug', 13);
    await cart.refresh();
    stub.setPrice('mug', 14);
    expect(await cart.acceptChanges()).toBe(false);
    expect(cart.changes).toMatchObject([{ name: 'Mug', oldUnitPrice: 12, newUnitPrice: 14 }]);
  });

  it('says what is missing where no shop was given to the app', () => {
    expect(() => createApp({}).runWithContext(useTill)).toThrow('app.use(tillPlugin');
  });
});

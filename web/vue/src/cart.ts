// The cart, for every component that shows it.

import type { Cart, Failure } from '@till/client';
import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import { type Change, changesIn } from './changes.js';
import { useTill } from './till.js';

type CartAnswer = { ok: true; value: Cart } | { ok: false; failure: Failure };

/** The visitor's cart. Its amounts are the server's. */
export const useCart = defineStore('till-cart', () => {
  const till = useTill();
  const cart = shallowRef<Cart | null>(null);
  const changes = ref<Change[]>([]);
  const failure = shallowRef<Failure | null>(null);
  const pending = ref(0);
  // One after the other: of two answers the later must not be overtaken by the earlier.
  let last: Promise<unknown> = Promise.resolve();

  function then(call: () => Promise<CartAnswer>): Promise<boolean> {
    pending.value += 1;
    const done = last.then(async () => {
      const answer = await call();
      pending.value -= 1;
      if (answer.ok) {
        changes.value = changesIn(answer.value, changes.value);
        cart.value = answer.value;
        failure.value = null;
      } else {
        failure.value = answer.failure;
      }
      return answer.ok;
    });
    last = done;
    return done;
  }

  /** The shopper agrees: prices are as they are, and of what is short she takes what there is. */
  async function acceptChanges(): Promise<boolean> {
    const agreed = changes.value;
    for (const { lineId, available } of agreed) {
      if (available === undefined) continue;
      const taken = await then(() =>
        available > 0 ? till.cart.setQuantity(lineId, available) : till.cart.remove(lineId),
      );
      if (!taken) return false;
    }
    // What has changed again meanwhile she has not seen.
    changes.value = changes.value.filter(
      (change) =>
        change.available !== undefined ||
        !agreed.some(
          ({ lineId, newUnitPrice }) =>
            lineId === change.lineId && newUnitPrice === change.newUnitPrice,
        ),
    );
    return changes.value.length === 0;
  }

  return {
    /** The cart as the server last showed it; null before it has been asked. */
    cart,
    lines: computed(() => cart.value?.items ?? []),
    /** How many pieces there are in it. */
    pieces: computed(() => (cart.value?.items ?? []).reduce((sum, line) => sum + line.quantity, 0)),
    /** What the shopper has not agreed to yet. */
    changes,
    /** Why the last call came to nothing; null after one that did not. */
    failure,
    isBusy: computed(() => pending.value > 0),
    /** Each says whether it came about. */
    refresh: () => then(() => till.cart.get()),
    add: (productId: string, quantity = 1) => then(() => till.cart.add(productId, quantity)),
    setQuantity: (lineId: string, quantity: number) =>
      then(() => till.cart.setQuantity(lineId, quantity)),
    remove: (lineId: string) => then(() => till.cart.remove(lineId)),
    clear: () => then(() => till.cart.clear()),
    acceptChanges,
  };
});

// Who is signed in. The cookie that says so is not for scripts, and guests are not asked about for
// nothing: this browser notes whether it is worth asking.

import type { Customer, Failure } from '@till/client';
import { useCart, useTill } from '@till/vue';
import { defineStore } from 'pinia';
import { shallowRef } from 'vue';
import { forgetDraft } from './draft.js';

const NAME = 'till-signed-in';

type CustomerAnswer = { ok: true; value: Customer } | { ok: false; failure: Failure };

/** The customer of this browser. */
export const useCustomer = defineStore('customer', () => {
  const till = useTill();
  const cart = useCart();
  const customer = shallowRef<Customer | null>(null);

  function be(who: Customer | null): void {
    customer.value = who;
    if (who) localStorage.setItem(NAME, 'yes');
    else localStorage.removeItem(NAME);
  }

  /** What an answer says of her is true from now on, and whether she is signed in at all. */
  async function hear<Heard extends CustomerAnswer>(asked: Promise<Heard>): Promise<Heard> {
    const answer = await asked;
    if (answer.ok) be(answer.value);
    else if (answer.failure.code === 'auth.required') be(null);
    return answer;
  }

  /** She has signed in; what was in this browser's cart has come along. */
  async function enter(who: Customer): Promise<void> {
    be(who);
    await cart.refresh();
  }

  /** She is signed in no more, and what she typed is for nobody else's eyes. */
  async function leave(): Promise<void> {
    be(null);
    forgetDraft();
    await cart.refresh();
  }

  return {
    /** The customer as the server last showed her; null where nobody is known to be signed in. */
    customer,
    /** Whether somebody was signed in when this browser last heard of it. */
    isLikely: () => localStorage.getItem(NAME) !== null,
    look: () => hear(till.customers.get()),
    hear,
    enter,
    leave,
  };
});

// What is for sale, all of it or what has a text in it.

import { useTill } from '@till/vue';
import { useList } from './list.js';

/** The products that were last asked for. */
export function useProducts() {
  const till = useTill();
  let text = '';
  const { first, ...list } = useList((page) =>
    text ? till.products.search(text, page) : till.products.list(page),
  );

  /** The first page of the products with this text; all without. */
  async function find(wanted: string): Promise<void> {
    text = wanted;
    await first();
  }

  return { ...list, find };
}

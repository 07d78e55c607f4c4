// The list of products, as far as it has been asked for.

import type { Failure, Product } from '@till/client';
import { useTill } from '@till/vue';
import { computed, onScopeDispose, ref, shallowRef } from 'vue';

/** What is for sale. */
export function useProducts() {
  const till = useTill();
  const items = shallowRef<Product[]>([]);
  const cursor = ref<string>();
  const isLoading = ref(false);
  const failure = shallowRef<Failure | null>(null);
  let text = '';
  let asking = new AbortController();
  onScopeDispose(() => asking.abort());

  /** The first page of the products with this text; all without. */
  async function find(wanted: string): Promise<void> {
    text = wanted;
    items.value = [];
    cursor.value = undefined;
    await ask();
  }

  /** The next page. */
  async function more(): Promise<void> {
    if (!isLoading.value) await ask();
  }

  async function ask(): Promise<void> {
    // What was asked before is not wanted any more.
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    const page = { cursor: cursor.value, signal };
    isLoading.value = true;
    const answer = await (text ? till.products.search(text, page) : till.products.list(page));
    if (signal.aborted) return;
    isLoading.value = false;
    failure.value = answer.ok ? null : answer.failure;
    if (!answer.ok) return;
    items.value = [...items.value, ...answer.value.items];
    cursor.value = answer.value.nextCursor;
  }

  const hasMore = computed(() => cursor.value !== undefined);
  return { items, hasMore, isLoading, failure, find, more };
}

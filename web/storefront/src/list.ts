// A list that comes in pages, as far as it has been asked for.

import type { Failure } from '@till/client';
import { computed, onScopeDispose, ref, shallowRef } from 'vue';

/** Which page is wanted. */
export interface Wanted {
  cursor: string | undefined;
  signal: AbortSignal;
}

type PageAnswer<Item> =
  | { ok: true; value: { items: Item[]; nextCursor?: string } }
  | { ok: false; failure: Failure };

/** The list whose pages are asked for so. */
export function useList<Item>(ask: (wanted: Wanted) => Promise<PageAnswer<Item>>) {
  const items = shallowRef<Item[]>([]);
  const cursor = ref<string>();
  const isLoading = ref(false);
  const failure = shallowRef<Failure | null>(null);
  let asking = new AbortController();
  onScopeDispose(() => asking.abort());

  /** From the beginning. */
  async function first(): Promise<void> {
    items.value = [];
    cursor.value = undefined;
    await next();
  }

  /** The next page. */
  async function more(): Promise<void> {
    if (!isLoading.value) await next();
  }

  async function next(): Promise<void> {
    // What was asked before is not wanted any more.
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    isLoading.value = true;
    const answer = await ask({ cursor: cursor.value, signal });
    if (signal.aborted) return;
    isLoading.value = false;
    failure.value = answer.ok ? null : answer.failure;
    if (!answer.ok) return;
    items.value = [...items.value, ...answer.value.items];
    cursor.value = answer.value.nextCursor;
  }

  const hasMore = computed(() => cursor.value !== undefined);
  return { items, hasMore, isLoading, failure, first, more };
}

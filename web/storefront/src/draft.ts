// What the shopper has typed stays in this tab until the order is paid: a reload, the way to her bank
// and the back button lead to the same form, and so to the same order.

import { COUNTRIES, type ContactDraft, countryOf, emptyDraft } from '@till/vue';
import { reactive, watch } from 'vue';

const NAME = 'till-checkout';

/** The form of this tab. */
export function keptDraft(storage: Storage = sessionStorage): ContactDraft {
  const draft = reactive({
    ...emptyDraft(countryOf(navigator.language, COUNTRIES)),
    ...read(storage),
  });
  watch(draft, () => storage.setItem(NAME, JSON.stringify(draft)), { deep: true });
  return draft;
}

/** The order is paid: nothing more is kept of it. */
export function forgetDraft(storage: Storage = sessionStorage): void {
  storage.removeItem(NAME);
}

function read(storage: Storage): Partial<ContactDraft> {
  try {
    return JSON.parse(storage.getItem(NAME) ?? '{}') as Partial<ContactDraft>;
  } catch {
    return {};
  }
}

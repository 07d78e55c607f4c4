// What the shopper has typed stays in this tab until the order is paid: a reload, the way to her bank
// and the back button lead to the same form, and so to the same order.

import type { Address, Customer } from '@till/client';
import {
  type AddressDraft,
  COUNTRIES,
  type ContactDraft,
  countryOf,
  emptyAddress,
  emptyDraft,
} from '@till/vue';
import { reactive, watch } from 'vue';

const NAME = 'till-checkout';

/** The country that the browser's language names. */
export const homeCountry = () => countryOf(navigator.language, COUNTRIES);

/** The form of this tab. */
export function keptDraft(storage: Storage = sessionStorage): ContactDraft {
  const draft = reactive({ ...emptyDraft(homeCountry()), ...read(storage) });
  watch(draft, () => storage.setItem(NAME, JSON.stringify(draft)), { deep: true });
  return draft;
}

/** The order is paid: nothing more is kept of it. */
export function forgetDraft(storage: Storage = sessionStorage): void {
  storage.removeItem(NAME);
}

/** Who has an account need not type what the shop knows. What she has typed stays. */
export function suggest(draft: ContactDraft, { email, addresses }: Customer): void {
  draft.email ||= email;
  const usual = addresses.find(({ isDefault }) => isDefault);
  if (usual && !draft.shippingAddress.street) draft.shippingAddress = draftOf(usual);
}

/** A kept address as it stands in the fields. */
export function draftOf(address: Address): AddressDraft {
  const { name, company = '', street, postalCode, city, country, phone = '' } = address;
  return { name, company, street, postalCode, city, country, phone };
}

/** Whether an address is the one in the fields. */
export function isInFields(address: Address, draft: AddressDraft): boolean {
  const known = draftOf(address);
  const fields = Object.keys(emptyAddress()) as (keyof AddressDraft)[];
  return fields.every((field) => known[field] === draft[field].trim());
}

function read(storage: Storage): Partial<ContactDraft> {
  try {
    return JSON.parse(storage.getItem(NAME) ?? '{}') as Partial<ContactDraft>;
  } catch {
    return {};
  }
}

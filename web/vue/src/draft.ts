// What the shopper types into the form before there is an order.

import type { Address, CheckoutRequest } from '@till/client';

/** An address as it stands in the fields. */
export type AddressDraft = Required<Omit<Address, 'company' | 'phone'>> & {
  company: string;
  phone: string;
};

/** The form as it stands. Keep it, and a page that was reloaded leads to the same order. */
export interface ContactDraft {
  email: string;
  shippingAddress: AddressDraft;
  /** Whether the bill goes elsewhere. */
  billsElsewhere: boolean;
  billingAddress: AddressDraft;
  acceptsMarketing: boolean;
}

/** An address that nobody has typed. */
export function emptyAddress(country = ''): AddressDraft {
  return { name: '', company: '', street: '', postalCode: '', city: '', country, phone: '' };
}

/** A form that nobody has typed into. */
export function emptyDraft(country = ''): ContactDraft {
  return {
    email: '',
    shippingAddress: emptyAddress(country),
    billsElsewhere: false,
    billingAddress: emptyAddress(country),
    acceptsMarketing: false,
  };
}

/** What the server is sent. */
export function requestOf(draft: ContactDraft): CheckoutRequest {
  return {
    email: draft.email.trim(),
    shippingAddress: addressOf(draft.shippingAddress),
    ...(draft.billsElsewhere && { billingAddress: addressOf(draft.billingAddress) }),
    acceptsMarketing: draft.acceptsMarketing,
  };
}

/** The address as the shop takes it. */
export function addressOf({ company, phone, ...needed }: AddressDraft): Address {
  const trimmed = (text: string) => text.trim();
  return {
    name: trimmed(needed.name),
    ...(trimmed(company) && { company: trimmed(company) }),
    street: trimmed(needed.street),
    postalCode: trimmed(needed.postalCode),
    city: trimmed(needed.city),
    country: needed.country,
    ...(trimmed(phone) && { phone: trimmed(phone) }),
  };
}

// An address as Stripe's Address Element has it, and as the session keeps it.

import type { AddressElementProps } from '@stripe/react-stripe-js';
import type { SessionAddress } from '@till/client';

/** What the Address Element says when it changes. */
export type TypedAddress = Parameters<NonNullable<AddressElementProps['onChange']>>[0]['value'];

/** With what the Address Element begins. */
export type AddressDefaults = NonNullable<AddressElementProps['options']['defaultValues']>;

/** The typed address over the one that is known: what Stripe does not ask for stays. */
export function sessionAddress(
  { name, firstName, lastName, address }: TypedAddress,
  known: SessionAddress | null | undefined,
): SessionAddress {
  const [first = '', ...rest] = name.trim().split(/\s+/);
  return {
    ...known,
    firstName: firstName ?? first,
    lastName: lastName ?? rest.join(' '),
    line1: address.line1,
    line2: address.line2 ?? '',
    city: address.city,
    county: address.state,
    country: address.country,
    postcode: address.postal_code,
  };
}

/** The known address, for a form that is filled in already. */
export function addressDefaults(known: SessionAddress | null | undefined): AddressDefaults {
  if (!known?.country) return {};
  return {
    firstName: known.firstName ?? '',
    lastName: known.lastName ?? '',
    address: {
      line1: known.line1 ?? '',
      line2: known.line2 ?? '',
      city: known.city ?? '',
      state: known.county ?? '',
      country: known.country,
      postal_code: known.postcode ?? '',
    },
  };
}

/** Whether the session has it already. */
export const isSaved = (typed: SessionAddress, known: SessionAddress | null | undefined): boolean =>
  Object.entries(typed).every(
    ([part, text]) => (known?.[part as keyof SessionAddress] ?? '') === text,
  );

'use client';
import type { CodeComponentMeta } from '@plasmicapp/host';
import type { SessionAddress, SessionChanges } from '@till/client';
import type { FormEvent } from 'react';

/** What a designer sets. */
export interface ContactFormProps {
  className?: string;
  address?: SessionAddress | null;
  email?: string;
  onSave?: (contact: SessionChanges) => void;
}

/** Who buys, and where it goes: a component of this shop's own, beside those of `@till/react`. */
export function ContactForm({ className, address, email, onSave }: ContactFormProps) {
  const save = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    onSave?.(contactIn(new FormData(event.currentTarget)));
  };
  return (
    <form className={className} onSubmit={save}>
      <Field label="E-mail" name="email" type="email" complete="email" value={email} />
      <div className="pair">
        <Field
          label="First name"
          name="firstName"
          complete="given-name"
          value={address?.firstName}
        />
        <Field label="Last name" name="lastName" complete="family-name" value={address?.lastName} />
      </div>
      <Field
        label="Street and number"
        name="line1"
        complete="address-line1"
        value={address?.line1}
      />
      <div className="pair">
        <Field
          label="Postal code"
          name="postcode"
          complete="postal-code"
          value={address?.postcode}
        />
        <Field label="Town" name="city" complete="address-level2" value={address?.city} />
      </div>
      <label>
        Country
        <select
          name="country"
          autoComplete="country"
          defaultValue={address?.country ?? 'DE'}
          required
        >
          {Object.entries(COUNTRIES).map(([code, name]) => (
            <option key={code} value={code}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <button type="submit">Continue to payment</button>
    </form>
  );
}

/** Where this shop sends to. */
const COUNTRIES = { AT: 'Austria', DE: 'Germany', FR: 'France', US: 'United States' };

interface FieldProps {
  label: string;
  name: string;
  complete: string;
  type?: string;
  value: string | undefined;
}

function Field({ label, name, complete, type = 'text', value }: FieldProps) {
  return (
    <label>
      {label}
      <input name={name} type={type} autoComplete={complete} defaultValue={value} required />
    </label>
  );
}

function contactIn(form: FormData): SessionChanges {
  const typed = (name: string) => String(form.get(name) ?? '').trim();
  const address = {
    firstName: typed('firstName'),
    lastName: typed('lastName'),
    line1: typed('line1'),
    postcode: typed('postcode'),
    city: typed('city'),
    country: typed('country'),
  };
  const name = `${address.firstName} ${address.lastName}`;
  return {
    customerInfo: { name, email: typed('email') },
    shippingAddress: address,
    billingAddress: address,
  };
}

/** As Studio knows it. */
export const CONTACT_FORM: CodeComponentMeta<ContactFormProps> = {
  name: 'shop-contact-form',
  displayName: 'Contact form',
  importPath: './components/ContactForm',
  importName: 'ContactForm',
  props: {
    address: { type: 'object' },
    email: { type: 'string' },
    onSave: { type: 'eventHandler', argTypes: [{ name: 'contact', type: 'object' }] },
  },
};

'use client';
// What designers find in Studio: Till's checkout, and this shop's own components. A project that loads
// its pages from Plasmic gives both its loader: `registerCheckout(PLASMIC)`.

import { registerComponent } from '@plasmicapp/host';
import { registerCheckout } from '@till/react/plasmic';
import { CONTACT_FORM, ContactForm } from './components/ContactForm';

registerCheckout();
registerComponent(ContactForm, CONTACT_FORM);

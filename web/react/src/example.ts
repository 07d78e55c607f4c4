// What Studio's canvas shows.

import type { CheckoutSession } from '@till/client';

const ADDRESS = {
  firstName: 'Ada',
  lastName: 'Beispiel',
  line1: 'Hauptstr. 1',
  city: 'Berlin',
  country: 'DE',
  postcode: '10115',
};

/** A session of somebody who is about to pay. */
export const EXAMPLE_SESSION: CheckoutSession = {
  id: 'example-session',
  status: 'open',
  cartId: 'example-cart',
  customerInfo: { name: 'Ada Beispiel', email: 'ada@example.org' },
  shippingAddress: ADDRESS,
  billingAddress: ADDRESS,
  selectedShippingRateId: 'standard',
  availableShippingRates: [
    rate('standard', 'Standard', 490, '3–5 days'),
    rate('express', 'Express', 990, 'Tomorrow'),
  ],
  totals: { subtotal: 4800, tax: 845, shipping: 490, total: 5290, currency: 'EUR' },
  requiresShipping: true,
  customAttributes: {},
  payment: {
    gateway: null,
    status: 'idle',
    clientToken: null,
    gatewayMetadata: {},
    actionData: null,
  },
  order: null,
  expiresAt: 4_102_444_800_000,
};

function rate(id: string, name: string, amount: number, deliveryTime: string) {
  return {
    id,
    name,
    amount,
    deliveryTime,
    currency: 'EUR',
    description: '',
    serviceLevel: id,
    carrier: '',
  };
}

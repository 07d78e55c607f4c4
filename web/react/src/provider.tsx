'use client';

import { createTill, type Till } from '@till/client';
import {
  createContext,
  type ReactNode,
  useContext,
  useEffect,
  useState,
  useSyncExternalStore,
} from 'react';
import { Checkout, type CheckoutOptions, type CheckoutState } from './checkout.js';

const CheckoutContext = createContext<Checkout | null>(null);

/** What a provider takes; all of it counts when it is first shown. */
export interface CheckoutProviderProps extends CheckoutOptions {
  children?: ReactNode;
  /** Where the API is on the storefront's own origin. */
  apiBaseUrl?: string;
  /** Instead of a client for `apiBaseUrl`: one that speaks to the shop in memory, for instance. */
  till?: Till;
}

/** One checkout session for everything inside. */
export function CheckoutProvider({
  children,
  apiBaseUrl = '/api',
  till,
  ...options
}: CheckoutProviderProps) {
  const [checkout] = useState(() => new Checkout(till ?? tillAt(apiBaseUrl), options));
  useEffect(() => checkout.attach(), [checkout]);
  return <CheckoutContext.Provider value={checkout}>{children}</CheckoutContext.Provider>;
}

/** The checkout around this component; null where there is none. */
export const useNearestCheckout = (): Checkout | null => useContext(CheckoutContext);

/** The checkout around this component. */
export function useCheckoutAround(): Checkout {
  const checkout = useNearestCheckout();
  if (!checkout) throw new Error('no checkout: <CheckoutProvider> comes first');
  return checkout;
}

/** What the server says of the checkout, and what can be done. */
export function useCheckout(): CheckoutState & Pick<Checkout, Action> {
  const checkout = useCheckoutAround();
  const { createSession, updateSession, calculateShipping } = checkout;
  const { placeOrder, resumePayment, reset } = checkout;
  const actions = { createSession, updateSession, calculateShipping };
  return { ...useStateOf(checkout), ...actions, placeOrder, resumePayment, reset };
}

type Action =
  | 'createSession'
  | 'updateSession'
  | 'calculateShipping'
  | 'placeOrder'
  | 'resumePayment'
  | 'reset';

/** The state of this checkout, as it changes. */
export const useStateOf = (checkout: Checkout): CheckoutState =>
  useSyncExternalStore(checkout.subscribe, checkout.state, checkout.state);

function tillAt(apiBaseUrl: string): Till {
  const base = apiBaseUrl.replace(/\/+$/, '');
  // The client's paths begin with `/api`; the storefront may forward another path to it.
  return createTill({ fetch: (url, init) => fetch(base + url.slice('/api'.length), init) });
}

'use client';
import type { ReactNode } from 'react';
import { globalContext } from './registry';

const StripeProvider = globalContext('plasmic-commerce-ep-stripe-provider');

/** The project's settings, around each of its pages. */
export function GlobalContexts({ children }: { children: ReactNode }) {
  return (
    <StripeProvider
      publishableKey={process.env.NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY}
      stripeAccount={process.env.NEXT_PUBLIC_STRIPE_ACCOUNT}
    >
      {children}
    </StripeProvider>
  );
}

// Stripe.js, from where the server says. What is typed into its fields goes from Stripe's own frames
// to Stripe; neither this page nor the shop sees a card.

import type { Appearance, Stripe } from '@stripe/stripe-js';
import { loadStripe } from '@stripe/stripe-js/pure/index.mjs';

/** A script is loaded once, however often a page comes and goes. */
const SCRIPTS = new Map<string, Promise<void>>();
const STRIPES = new Map<string, Promise<Stripe>>();

/** Stripe.js for this key. After a failure the next call tries again. */
export function stripeFrom(url: string, publishableKey: string): Promise<Stripe> {
  const known = STRIPES.get(publishableKey);
  if (known) return known;
  const loading = loaded(url, publishableKey);
  STRIPES.set(publishableKey, loading);
  loading.catch(() => STRIPES.delete(publishableKey));
  return loading;
}

async function loaded(url: string, publishableKey: string): Promise<Stripe> {
  if (!window.Stripe) await script(url);
  // With a `Stripe` on the page the loader makes no request of its own.
  const stripe = await loadStripe(publishableKey);
  if (!stripe) throw new Error('Stripe.js needs a browser');
  return stripe;
}

function script(url: string): Promise<void> {
  const known = SCRIPTS.get(url);
  if (known) return known;
  const loading = new Promise<void>((done, failed) => {
    const element = document.createElement('script');
    element.src = url;
    element.async = true;
    element.onload = () => done();
    element.onerror = () => {
      element.remove();
      SCRIPTS.delete(url);
      failed(new Error('Stripe.js cannot be loaded'));
    };
    document.head.append(element);
  });
  SCRIPTS.set(url, loading);
  return loading;
}

/** Stripe's names for the variables of `checkout-form.css`. */
const VARIABLES = {
  colorPrimary: '--till-accent',
  colorBackground: '--till-field',
  colorText: '--till-ink',
  colorTextSecondary: '--till-soft',
  colorDanger: '--till-danger',
  borderRadius: '--till-radius',
  fontFamily: '--till-font',
} as const;

/** Stripe's fields look as the form around them does. */
export function appearanceOf(element: Element): Appearance {
  const style = getComputedStyle(element);
  const given = Object.entries(VARIABLES)
    .map(([name, variable]) => [name, style.getPropertyValue(variable).trim()])
    .filter(([, value]) => value);
  return { variables: Object.fromEntries(given) };
}

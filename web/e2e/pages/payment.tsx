// A checkout without a framework: the intent first, then `confirmPayment` of @stripe/stripe-js.

import { loadStripe, type Stripe, type StripeElements } from '@stripe/stripe-js';
import { createTill, orThrow } from '@till/client';

const till = createTill();
const asked = new URLSearchParams(location.search);
const page = document.getElementById('page') ?? document.body;
const said = page.appendChild(document.createElement('output'));
const say = (text: string) => {
  said.textContent = text;
};

async function main(): Promise<void> {
  const order = asked.get('order');
  if (order && asked.has('payment_intent')) return finish(order, asked.get('redirect_status'));
  // After a reload the cart is there already, and the same form is the same order.
  if (!asked.has('resume')) await fillCart();
  const intent = orThrow(
    await till.checkout.createIntent({
      email: 'ada@example.org',
      shippingAddress: {
        name: 'Ada Beispiel',
        street: 'Hauptstr. 1',
        postalCode: '10115',
        city: 'Berlin',
        country: 'DE',
      },
      acceptsMarketing: false,
    }),
  );
  const stripe = await loadStripe(intent.publishableKey);
  if (!stripe) throw new Error('no Stripe.js');
  const clientSecret = intent.clientSecret ?? '';
  if (asked.has('resume'))
    return settle(intent.orderId, await stripe.handleNextAction({ clientSecret }));
  const elements = stripe.elements({ clientSecret });
  showForm(stripe, elements, intent.orderId);
}

async function fillCart(): Promise<void> {
  const { items } = orThrow(await till.products.search('mug'));
  for (const { id, sku } of items) if (sku === 'mug') orThrow(await till.cart.add(id));
}

function showForm(stripe: Stripe, elements: StripeElements, orderId: string): void {
  const form = page.appendChild(document.createElement('form'));
  const mount = (element: { mount(node: HTMLElement): void }) =>
    element.mount(form.appendChild(document.createElement('div')));
  const payment = elements.create('payment', { layout: 'tabs' });
  payment.on('ready', () => say('ready'));
  payment.on('loaderror', ({ error }) => say(`cannot be loaded: ${error.message}`));
  mount(payment);
  if (asked.has('address')) {
    const address = elements.create('address', { mode: 'billing', fields: { phone: 'always' } });
    address.on('change', ({ complete, value }) => {
      if (complete) document.body.dataset.address = JSON.stringify(value);
    });
    mount(address);
  }
  const button = form.appendChild(document.createElement('button'));
  button.textContent = 'Pay';
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    button.disabled = true;
    say('paying');
    const return_url = `${location.origin}/walk/payment?order=${orderId}`;
    const redirect = asked.has('always') ? 'always' : 'if_required';
    const request = { elements, confirmParams: { return_url } };
    const outcome = await (redirect === 'always'
      ? stripe.confirmPayment({ ...request, redirect })
      : stripe.confirmPayment({ ...request, redirect: 'if_required' }));
    button.disabled = false;
    await settle(orderId, outcome);
  });
}

/** What Stripe.js gives for a payment. */
interface Outcome {
  error?: { type: string; code?: string; message?: string } | undefined;
  paymentIntent?: { status: string } | undefined;
}

async function settle(orderId: string, { error, paymentIntent }: Outcome): Promise<void> {
  if (error) return say(`${error.type} ${error.code}: ${error.message}`);
  return finish(orderId, paymentIntent?.status ?? null);
}

/** Stripe's word counts nothing; the server's does. */
async function finish(orderId: string, status: string | null): Promise<void> {
  const answer = await till.checkout.confirm(orderId);
  say(`${status}, and the order is ${answer.ok ? answer.value.status : answer.failure.code}`);
}

main().catch((error) => say(String(error)));

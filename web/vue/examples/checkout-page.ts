import type { Stripe, StripeElements } from '@stripe/stripe-js';
import { useCart, useCheckout } from '@till/vue';

/** What the checkout page's setup needs; `stripe` is loaded from the intent's `stripeJsUrl`. */
export function useCheckoutPage(stripe: Stripe) {
  const cart = useCart();
  const checkout = useCheckout();

  /** The button below the Payment Element, which was made with the intent's `clientSecret`. */
  const pay = (elements: StripeElements) =>
    checkout.pay(({ orderId }) =>
      stripe.confirmPayment({
        elements,
        redirect: 'if_required',
        confirmParams: { return_url: `${location.origin}/orders/${orderId}` },
      }),
    );

  /** The button of the step `challenge`. */
  const goToBank = () =>
    checkout.pay(({ clientSecret }) => stripe.handleNextAction({ clientSecret }));

  return { ...checkout, cart, pay, goToBank };
}

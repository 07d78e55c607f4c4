// Stripe's Payment Element for one intent. Another intent has another secret, and gets another form.

import type { Stripe, StripeElements } from '@stripe/stripe-js';
import { formatAmount } from '@till/client';
import { defineComponent, onBeforeUnmount, onMounted, type PropType, ref, shallowRef } from 'vue';
import type { PayableIntent, StripeOutcome } from './checkout.js';
import { appearanceOf, stripeFrom } from './stripe.js';
import type { Texts } from './texts.js';

/** Asks Stripe to do something with the intent; given to `pay` of the checkout. */
export type Confirm = (intent: PayableIntent) => Promise<StripeOutcome>;

/** The form's second step. */
export const PaymentForm = defineComponent({
  name: 'TillPaymentForm',
  props: {
    intent: { type: Object as PropType<PayableIntent>, required: true },
    texts: { type: Object as PropType<Texts>, required: true },
    locale: { type: String, required: true },
    returnUrl: { type: Function as PropType<(orderId: string) => string>, required: true },
    /** Asks the shop how the payment stands. */
    check: { type: Function as PropType<() => Promise<void>>, required: true },
    isBusy: { type: Boolean, default: false },
    /** Her bank wants to see her. */
    isChallenged: { type: Boolean, default: false },
    message: { type: String, default: '' },
  },
  emits: { pay: (_confirm: Confirm) => true },
  setup(props, { emit, slots }) {
    const root = ref<HTMLElement>();
    const place = ref<HTMLElement>();
    const form = shallowRef<{ stripe: Stripe; elements: StripeElements }>();
    const isReady = ref(false);
    const hasFailed = ref(false);
    let isGone = false;
    onBeforeUnmount(() => {
      isGone = true;
      form.value?.elements.getElement('payment')?.destroy();
    });

    async function open(): Promise<void> {
      hasFailed.value = false;
      try {
        const { clientSecret, stripeJsUrl, publishableKey } = props.intent;
        const stripe = await stripeFrom(stripeJsUrl, publishableKey);
        if (isGone || !place.value || !root.value) return;
        const elements = stripe.elements({
          clientSecret,
          appearance: appearanceOf(root.value),
          loader: 'auto',
        });
        const payment = elements.create('payment', { layout: 'tabs' });
        payment.on('ready', () => {
          isReady.value = true;
        });
        payment.on('loaderror', fail);
        payment.mount(place.value);
        form.value = { stripe, elements };
      } catch {
        await fail();
      }
    }
    onMounted(open);

    /** A payment that has been made has no form: she is not told that hers has failed. */
    async function fail(): Promise<void> {
      await props.check();
      if (!isGone) hasFailed.value = true;
    }

    function again(): void {
      form.value?.elements.getElement('payment')?.destroy();
      form.value = undefined;
      void open();
    }

    function pay(): void {
      const opened = form.value;
      if (!opened || !isReady.value || props.isBusy) return;
      const { stripe, elements } = opened;
      const { returnUrl, isChallenged } = props;
      emit('pay', ({ orderId, clientSecret }) =>
        isChallenged
          ? stripe.handleNextAction({ clientSecret })
          : stripe.confirmPayment({
              elements,
              redirect: 'if_required',
              confirmParams: { return_url: returnUrl(orderId) },
            }),
      );
    }

    const button = () => {
      const { texts, intent, isBusy, isChallenged, locale } = props;
      if (isBusy) return texts.paying;
      return isChallenged
        ? texts.toBank
        : texts.pay(formatAmount(intent.amount, intent.currency, locale));
    };

    return () => {
      const { texts, isBusy, isChallenged, message } = props;
      return (
        <form
          ref={root}
          class="till-payment"
          aria-busy={isBusy}
          onSubmit={(event: Event) => {
            event.preventDefault();
            pay();
          }}
        >
          <div class="till-elements" ref={place} hidden={isChallenged || hasFailed.value} />
          {!isReady.value && !hasFailed.value && <p class="till-hint">{texts.loading}</p>}
          {hasFailed.value && (
            <p class="till-wrong">
              {texts.notLoaded}{' '}
              <button type="button" class="till-link" onClick={again}>
                {texts.loadAgain}
              </button>
            </p>
          )}
          <p class="till-wrong" role="alert">
            {isBusy ? '' : isChallenged ? texts.challenge : message}
          </p>
          {slots.default?.()}
          <button type="submit" class="till-button" aria-disabled={isBusy || !isReady.value}>
            {button()}
          </button>
        </form>
      );
    };
  },
});

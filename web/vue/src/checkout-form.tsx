// From a filled cart to a paid order on one page: who buys, what has changed, the payment, and what
// became of it. It looks as the variables of `checkout-form.css` say, and a slot replaces each part.

import { type Failure, formatAmount, type Order } from '@till/client';
import {
  computed,
  defineComponent,
  nextTick,
  type PropType,
  reactive,
  ref,
  type SlotsType,
  shallowRef,
  watch,
} from 'vue';
import type { StripeKey } from './address-element.js';
import { useCart } from './cart.js';
import type { Change } from './changes.js';
import { type CheckoutOptions, type PayableIntent, useCheckout } from './checkout.js';
import { ContactForm } from './contact-form.js';
import { COUNTRIES, countryOf } from './countries.js';
import { type ContactDraft, emptyDraft, requestOf } from './draft.js';
import { PaymentForm } from './payment-form.js';
import { TEXTS, type Texts } from './texts.js';

/** What a shop puts in the place of the form's own parts. */
type Slots = SlotsType<{
  /** Above the button that leads to the payment: terms, a note. */
  contact?: Record<string, never>;
  /** Above the fields for where it goes: addresses that she has kept, to choose from. */
  address?: Record<string, never>;
  /** Above the button that pays. */
  payment?: { intent: PayableIntent };
  /** What is different, and her click. */
  changed?: { changes: Change[]; accept: () => void };
  finishing?: { order: Order | undefined };
  paid?: { order: Order };
  over?: { order: Order };
}>;

/** `<CheckoutForm>`: the checkout of the visitor's cart. */
export const CheckoutForm = defineComponent({
  name: 'CheckoutForm',
  props: {
    /** Where Stripe leads the shopper back to from a bank: a page of this origin that calls `resume`. */
    returnUrl: { type: Function as PropType<(orderId: string) => string>, required: true },
    /** What she types, where the page wants to keep it. */
    draft: { type: Object as PropType<ContactDraft>, default: undefined },
    /** An order to look after instead of the cart's, on the page that she comes back to. */
    orderId: { type: String, default: undefined },
    /** With the shop's key Stripe's Address Element asks where it goes; without, fields of ours. */
    stripe: { type: Object as PropType<StripeKey>, default: undefined },
    /** Where the shop sends to; everywhere unless told. */
    countries: { type: Array as PropType<readonly string[]>, default: () => COUNTRIES },
    /** The language of amounts and countries; the browser's unless told. */
    locale: { type: String, default: () => navigator.language },
    /** What she agrees to where she wants to hear from the shop; without it she is not asked. */
    marketing: { type: String, default: '' },
    /** Other sentences. */
    texts: { type: Object as PropType<Partial<Texts>>, default: () => ({}) },
    /** Solves a challenge of the shop's, as in `CheckoutOptions`. */
    solve: { type: Function as PropType<CheckoutOptions['solve']>, default: undefined },
    /** Waiting, for tests that have no time. */
    options: { type: Object as PropType<CheckoutOptions>, default: undefined },
  },
  emits: {
    /** It is paid. */
    paid: (_order: Order) => true,
    /** It was cancelled, or its payment has failed for good, or was given back. */
    over: (_order: Order) => true,
    /** There is an order, and its payment can begin. */
    intent: (_intent: PayableIntent) => true,
    /** Nothing is being paid any more: the cart is what there is. */
    cart: (_failure: Failure | undefined) => true,
  },
  slots: Object as Slots,
  setup(props, { emit, slots }) {
    const cart = useCart();
    const checkout = useCheckout({ solve: props.solve, ...props.options });
    const { state } = checkout;
    const draft = props.draft ?? reactive(emptyDraft(countryOf(props.locale, props.countries)));
    const texts = computed<Texts>(() => ({ ...TEXTS, ...props.texts }));
    const root = ref<HTMLElement>();
    const intent = shallowRef<PayableIntent>();
    const isChanging = ref(false);

    if (props.orderId) void checkout.resume(props.orderId);

    /** Which part of the form is shown. */
    const part = computed(() => {
      const { step } = state.value;
      switch (step) {
        case 'cart':
        case 'asking':
          return 'contact';
        case 'intent':
        case 'declined':
        case 'challenge':
          return isChanging.value ? 'contact' : 'payment';
        case 'confirming':
          // Her bank may show its challenge above Stripe's form: that stays while it is at work.
          return state.value.orderId === intent.value?.orderId ? 'payment' : 'finishing';
        default:
          return step;
      }
    });

    watch(state, (now) => {
      if (now.step === 'intent' || now.step === 'declined' || now.step === 'challenge') {
        if (intent.value?.clientSecret !== now.intent.clientSecret) emit('intent', now.intent);
        intent.value = now.intent;
      }
      if (now.step === 'paid') emit('paid', now.order);
      if (now.step === 'over') emit('over', now.order);
      if (now.step === 'cart') emit('cart', now.failure);
    });
    // Who does not see the page is told that another part of it is there.
    watch(part, async () => {
      await nextTick();
      root.value?.querySelector<HTMLElement>('.till-heading')?.focus();
    });

    function start(): void {
      isChanging.value = false;
      void checkout.start(requestOf(draft));
    }

    const heading = (text: string) => (
      <h2 class="till-heading" tabindex={-1}>
        {text}
      </h2>
    );

    const contact = () => {
      const now = state.value;
      const failure = now.step === 'cart' && now.failure;
      return [
        heading(texts.value.contact),
        <ContactForm
          draft={draft}
          texts={texts.value}
          locale={props.locale}
          countries={props.countries}
          marketing={props.marketing}
          isBusy={now.step === 'asking'}
          onSubmit={start}
          {...(props.stripe && { stripe: props.stripe })}
          {...(failure && { failure })}
        >
          {{ default: () => slots.contact?.({}), address: () => slots.address?.({}) }}
        </ContactForm>,
      ];
    };

    const payment = (payable: PayableIntent) => {
      const now = state.value;
      const message = 'message' in now ? now.message : undefined;
      const { email, shippingAddress } = draft;
      const isBusy = now.step === 'confirming';
      return [
        <div class="till-summary">
          <p>
            <span>{email}</span>
            <span>
              {shippingAddress.name}, {shippingAddress.street}, {shippingAddress.postalCode}{' '}
              {shippingAddress.city}
            </span>
          </p>
          <button
            type="button"
            class="till-link"
            aria-disabled={isBusy}
            onClick={() => {
              if (!isBusy) isChanging.value = true;
            }}
          >
            {texts.value.change}
            <span class="till-hidden"> {texts.value.contact}</span>
          </button>
        </div>,
        heading(texts.value.payment),
        <PaymentForm
          key={payable.clientSecret}
          intent={payable}
          texts={texts.value}
          locale={props.locale}
          returnUrl={props.returnUrl}
          isBusy={isBusy}
          isChallenged={now.step === 'challenge'}
          message={message ?? ''}
          check={checkout.check}
          onPay={checkout.pay}
        >
          {{ default: () => slots.payment?.({ intent: payable }) }}
        </PaymentForm>,
      ];
    };

    const changed = () => {
      const accept = () => void checkout.accept();
      return (
        slots.changed?.({ changes: cart.changes, accept }) ?? [
          heading(texts.value.changed),
          <p>{texts.value.changedHint}</p>,
          <ul class="till-changes">
            {cart.changes.map((change) => (
              <li key={change.lineId}>
                <strong>{change.name}</strong>: {differences(change).join(', ')}
              </li>
            ))}
          </ul>,
          <button type="button" class="till-button" aria-disabled={cart.isBusy} onClick={accept}>
            {texts.value.accept}
          </button>,
        ]
      );
    };

    const differences = ({ oldUnitPrice, newUnitPrice, wanted, available }: Change): string[] => {
      const { priceWas, fewer, soldOut } = texts.value;
      const shown = (amount: number) =>
        formatAmount(amount, cart.cart?.currency ?? 'eur', props.locale);
      const said: string[] = [];
      if (oldUnitPrice !== undefined && newUnitPrice !== undefined) {
        said.push(priceWas(shown(oldUnitPrice), shown(newUnitPrice)));
      }
      if (available === 0) said.push(soldOut);
      else if (available !== undefined && wanted !== undefined) said.push(fewer(available, wanted));
      return said;
    };

    const finishing = () => {
      const now = state.value;
      const order = now.step === 'finishing' ? now.order : undefined;
      const { received, receivedHint, processing, processingHint, looking, lookingHint } =
        texts.value;
      const said = {
        succeeded: [received, receivedHint],
        processing: [processing, processingHint],
      }[String(order?.payment?.status)] ?? [looking, lookingHint];
      return (
        slots.finishing?.({ order }) ?? [heading(said[0] ?? ''), <p role="status">{said[1]}</p>]
      );
    };

    const parts = () => {
      const now = state.value;
      switch (part.value) {
        case 'contact':
          return contact();
        case 'payment':
          return intent.value && payment(intent.value);
        case 'changed':
          return changed();
        case 'finishing':
          return finishing();
      }
      switch (now.step) {
        case 'paid':
          return slots.paid?.({ order: now.order }) ?? heading(texts.value.paid);
        case 'over':
          return (
            slots.over?.({ order: now.order }) ?? [
              heading(texts.value.over),
              <p>{texts.value.overHint}</p>,
            ]
          );
        case 'unknown':
          return [heading(texts.value.unknown), <p>{now.failure.message}</p>];
      }
      return undefined;
    };

    return () => (
      <section ref={root} class="till-checkout" data-step={state.value.step}>
        {parts()}
      </section>
    );
  },
});

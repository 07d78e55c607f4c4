// Stripe's Address Element in the place of the fields for where it goes, for a shop that knows its
// publishable key before there is an order.

import type { StripeAddressElementChangeEvent, StripeElements } from '@stripe/stripe-js';
import { defineComponent, onBeforeUnmount, onMounted, type PropType, ref } from 'vue';
import type { AddressDraft } from './draft.js';
import { appearanceOf, stripeFrom } from './stripe.js';

/** Which Stripe.js, and for whom. */
export interface StripeKey {
  publishableKey: string;
  stripeJsUrl: string;
}

/** Whether what she typed is an address; Stripe's form says what is missing. */
export type Check = () => Promise<boolean>;

/** Stripe's fields for an address; what is typed there is in the draft. */
export const AddressElement = defineComponent({
  name: 'TillAddressElement',
  props: {
    stripe: { type: Object as PropType<StripeKey>, required: true },
    draft: { type: Object as PropType<AddressDraft>, required: true },
    countries: { type: Array as PropType<readonly string[]>, default: undefined },
  },
  emits: {
    ready: (_check: Check) => true,
    /** It cannot be loaded: the shop's own fields are needed. */
    failed: () => true,
  },
  setup(props, { emit }) {
    const place = ref<HTMLElement>();
    let elements: StripeElements | undefined;
    let isGone = false;
    onBeforeUnmount(() => {
      isGone = true;
      elements?.getElement('address')?.destroy();
    });

    onMounted(async () => {
      try {
        const { publishableKey, stripeJsUrl } = props.stripe;
        const stripe = await stripeFrom(stripeJsUrl, publishableKey);
        if (isGone || !place.value) return;
        const opened = stripe.elements({ appearance: appearanceOf(place.value) });
        elements = opened;
        const element = opened.create('address', {
          mode: 'shipping',
          fields: { phone: 'auto' },
          defaultValues: defaultsOf(props.draft),
          ...(props.countries && { allowedCountries: [...props.countries] }),
        });
        element.on('change', ({ value }) => {
          Object.assign(props.draft, addressOf(value));
        });
        element.on('loaderror', () => emit('failed'));
        element.mount(place.value);
        emit('ready', async () => !(await opened.submit()).error);
      } catch {
        emit('failed');
      }
    });
    return () => <div class="till-address-element" ref={place} />;
  },
});

type Typed = StripeAddressElementChangeEvent['value'];

/** Nothing that she typed is lost: a second line belongs to the street, a state to the town. */
function addressOf({ name, address, phone }: Typed): Partial<AddressDraft> {
  const joined = (...parts: (string | null | undefined)[]) => parts.filter(Boolean).join(', ');
  return {
    name,
    street: joined(address.line1, address.line2),
    postalCode: address.postal_code,
    city: joined(address.city, address.state),
    country: address.country,
    phone: phone ?? '',
  };
}

function defaultsOf({ name, street, postalCode, city, country, phone }: AddressDraft) {
  const address = { line1: street, postal_code: postalCode, city };
  return { name, phone, ...(country && { address: { ...address, country } }) };
}

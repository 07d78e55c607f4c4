// Who buys and where it goes.

import type { Failure } from '@till/client';
import {
  computed,
  defineComponent,
  nextTick,
  type PropType,
  ref,
  shallowRef,
  useId,
  watch,
} from 'vue';
import { AddressElement, type Check, type StripeKey } from './address-element.js';
import { AddressFields, type Complaint, textOf } from './address-fields.js';
import { COUNTRIES } from './countries.js';
import type { ContactDraft } from './draft.js';
import type { Texts } from './texts.js';

/** The form's first step. */
export const ContactForm = defineComponent({
  name: 'TillContactForm',
  props: {
    draft: { type: Object as PropType<ContactDraft>, required: true },
    texts: { type: Object as PropType<Texts>, required: true },
    locale: { type: String, required: true },
    countries: { type: Array as PropType<readonly string[]>, default: () => COUNTRIES },
    /** With it Stripe's Address Element asks where it goes. */
    stripe: { type: Object as PropType<StripeKey>, default: undefined },
    marketing: { type: String, default: '' },
    isBusy: { type: Boolean, default: false },
    failure: { type: Object as PropType<Failure>, default: undefined },
  },
  emits: ['submit'],
  setup(props, { emit, slots }) {
    const id = useId();
    const form = ref<HTMLFormElement>();
    const wrong = computed<Complaint | undefined>(() => {
      const { failure } = props;
      if (failure?.code !== 'checkout.addressInvalid') return undefined;
      return { field: failure.details.field, message: failure.message };
    });
    /** Stripe's fields say whether they are complete; where they are not there the browser does. */
    const check = shallowRef<Check>();
    const hasFields = ref(!props.stripe);

    async function submit(): Promise<void> {
      if (props.isBusy || (!hasFields.value && !(await check.value?.()))) return;
      emit('submit');
    }

    const isShown = (field: string) =>
      field === 'email' ||
      (field.startsWith('billingAddress') ? props.draft.billsElsewhere : hasFields.value);

    // Who hears the form is led to what is wrong with it.
    watch(
      () => props.failure,
      async () => {
        await nextTick();
        form.value?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
      },
    );

    const email = () => {
      const { draft, texts } = props;
      const isWrong = wrong.value?.field === 'email';
      return (
        <div class="till-field till-email">
          <label for={`${id}-email`}>{texts.email}</label>
          <input
            id={`${id}-email`}
            type="email"
            name="email"
            autocomplete="email"
            required
            value={draft.email}
            aria-describedby={`${id}-email-${isWrong ? 'wrong' : 'hint'}`}
            onInput={(event: Event) => {
              draft.email = textOf(event);
            }}
            {...(isWrong && { 'aria-invalid': true })}
          />
          <p class="till-hint" id={`${id}-email-hint`}>
            {texts.emailHint}
          </p>
          {isWrong && (
            <p class="till-wrong" id={`${id}-email-wrong`}>
              {wrong.value?.message}
            </p>
          )}
        </div>
      );
    };

    const address = (path: 'shippingAddress' | 'billingAddress') => {
      const { draft, texts, locale, countries } = props;
      return (
        <AddressFields
          draft={draft[path]}
          section={path === 'shippingAddress' ? 'shipping' : 'billing'}
          path={path}
          texts={texts}
          locale={locale}
          countries={countries}
          {...(wrong.value && { wrong: wrong.value })}
        />
      );
    };

    const box = (name: 'billsElsewhere' | 'acceptsMarketing', label: string) => (
      <label class="till-check">
        <input
          type="checkbox"
          name={name}
          checked={props.draft[name]}
          onChange={(event: Event) => {
            props.draft[name] = (event.target as HTMLInputElement).checked;
          }}
        />
        <span>{label}</span>
      </label>
    );

    return () => {
      const { draft, texts, failure, isBusy, marketing } = props;
      const isOfField = wrong.value !== undefined && isShown(wrong.value.field);
      return (
        <form
          ref={form}
          class="till-contact"
          aria-busy={isBusy}
          onSubmit={(event: Event) => {
            event.preventDefault();
            void submit();
          }}
        >
          {email()}
          {slots.address?.()}
          {!hasFields.value && props.stripe ? (
            <AddressElement
              stripe={props.stripe}
              draft={draft.shippingAddress}
              {...(props.countries !== COUNTRIES && { countries: props.countries })}
              onReady={(opened: Check) => {
                check.value = opened;
              }}
              onFailed={() => {
                hasFields.value = true;
              }}
            />
          ) : (
            address('shippingAddress')
          )}
          {box('billsElsewhere', texts.billsElsewhere)}
          {draft.billsElsewhere && (
            <fieldset>
              <legend>{texts.billing}</legend>
              {address('billingAddress')}
            </fieldset>
          )}
          {marketing && box('acceptsMarketing', marketing)}
          <p class="till-wrong" role="alert">
            {isOfField ? '' : (failure?.message ?? '')}
          </p>
          {slots.default?.()}
          <button type="submit" class="till-button" aria-disabled={isBusy}>
            {isBusy ? texts.asking : texts.toPayment}
          </button>
        </form>
      );
    };
  },
});

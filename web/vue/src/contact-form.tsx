// Who buys and where it goes: plain fields that browsers fill in by themselves.

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
import { COUNTRIES, namedCountries } from './countries.js';
import type { AddressDraft, ContactDraft } from './draft.js';
import type { Texts } from './texts.js';

/** A field of an address: its name, what browsers call it, whether it may be empty. */
const ADDRESS_FIELDS = [
  { name: 'name', autocomplete: 'name', required: true },
  { name: 'company', autocomplete: 'organization', required: false },
  { name: 'street', autocomplete: 'street-address', required: true },
  { name: 'postalCode', autocomplete: 'postal-code', required: false },
  { name: 'city', autocomplete: 'address-level2', required: true },
  { name: 'country', autocomplete: 'country', required: true },
  { name: 'phone', autocomplete: 'tel', required: false },
] as const;

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
    const named = computed(() => namedCountries(props.countries, props.locale));
    const wrong = computed(() => {
      const { failure } = props;
      return failure?.code === 'checkout.addressInvalid' ? failure.details.field : undefined;
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

    const idOf = (path: string) => `${id}-${path.replace('.', '-')}`;
    const asWrong = (path: string) =>
      wrong.value === path && {
        'aria-invalid': true,
        'aria-describedby': `${idOf(path)}-wrong`,
      };
    const complaint = (path: string) =>
      wrong.value === path && (
        <p class="till-wrong" id={`${idOf(path)}-wrong`}>
          {props.failure?.message}
        </p>
      );

    const email = () => {
      const { draft, texts } = props;
      return (
        <div class="till-field till-email">
          <label for={idOf('email')}>{texts.email}</label>
          <input
            id={idOf('email')}
            type="email"
            name="email"
            autocomplete="email"
            required
            value={draft.email}
            aria-describedby={`${idOf('email')}-hint`}
            onInput={(event: Event) => {
              draft.email = textOf(event);
            }}
            {...asWrong('email')}
          />
          <p class="till-hint" id={`${idOf('email')}-hint`}>
            {texts.emailHint}
          </p>
          {complaint('email')}
        </div>
      );
    };

    const address = (kind: 'shippingAddress' | 'billingAddress') => {
      const draft = props.draft[kind];
      const section = kind === 'shippingAddress' ? 'shipping' : 'billing';
      return ADDRESS_FIELDS.map(({ name, autocomplete, required }) => {
        const path = `${kind}.${name}`;
        const common = {
          id: idOf(path),
          name: path,
          autocomplete: `${section} ${autocomplete}`,
          required,
          value: draft[name],
          ...asWrong(path),
        };
        return (
          <div class={`till-field till-${name}`} key={path}>
            <label for={idOf(path)}>{props.texts[name]}</label>
            {name === 'country' ? countryField(draft, common) : textField(draft, name, common)}
            {complaint(path)}
          </div>
        );
      });
    };

    const textField = (draft: AddressDraft, name: keyof AddressDraft, common: object) => (
      <input
        type={name === 'phone' ? 'tel' : 'text'}
        onInput={(event: Event) => {
          draft[name] = textOf(event);
        }}
        {...common}
      />
    );

    const countryField = (draft: AddressDraft, common: object) => (
      <select
        onChange={(event: Event) => {
          draft.country = textOf(event);
        }}
        {...common}
      >
        <option value="">{props.texts.chooseCountry}</option>
        {named.value.map(({ code, name }) => (
          <option value={code} key={code} selected={code === draft.country}>
            {name}
          </option>
        ))}
      </select>
    );

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
      const isOfField = wrong.value !== undefined && isShown(wrong.value);
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
            <div class="till-address">{address('shippingAddress')}</div>
          )}
          {box('billsElsewhere', texts.billsElsewhere)}
          {draft.billsElsewhere && (
            <fieldset>
              <legend>{texts.billing}</legend>
              <div class="till-address">{address('billingAddress')}</div>
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

const textOf = (event: Event) => (event.target as HTMLInputElement | HTMLSelectElement).value;

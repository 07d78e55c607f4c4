// An address to be typed: plain fields that browsers fill in by themselves.

import { computed, defineComponent, type PropType, useId } from 'vue';
import { COUNTRIES, namedCountries } from './countries.js';
import type { AddressDraft } from './draft.js';
import { TEXTS, type Texts } from './texts.js';

/** What the shop says of one field. */
export interface Complaint {
  /** As the shop calls it: `city`, or `shippingAddress.city`. */
  field: string;
  message: string;
}

/** A field of an address: its name, what browsers call it, whether it may be empty. */
const FIELDS = [
  { name: 'name', autocomplete: 'name', required: true },
  { name: 'company', autocomplete: 'organization', required: false },
  { name: 'street', autocomplete: 'street-address', required: true },
  { name: 'postalCode', autocomplete: 'postal-code', required: false },
  { name: 'city', autocomplete: 'address-level2', required: true },
  { name: 'country', autocomplete: 'country', required: true },
  { name: 'phone', autocomplete: 'tel', required: false },
] as const;

/** `<AddressFields>`: what is typed is in the draft. */
export const AddressFields = defineComponent({
  name: 'AddressFields',
  props: {
    draft: { type: Object as PropType<AddressDraft>, required: true },
    /** What the address is for: browsers keep the two apart. */
    section: { type: String as PropType<'' | 'shipping' | 'billing'>, default: '' },
    /** What stands before a field's name where the shop speaks of it. */
    path: { type: String, default: '' },
    wrong: { type: Object as PropType<Complaint>, default: undefined },
    countries: { type: Array as PropType<readonly string[]>, default: () => COUNTRIES },
    locale: { type: String, default: () => navigator.language },
    texts: { type: Object as PropType<Texts>, default: () => TEXTS },
  },
  setup(props) {
    const id = useId();
    const named = computed(() => namedCountries(props.countries, props.locale));

    const textField = (name: keyof AddressDraft, common: object) => (
      <input
        type={name === 'phone' ? 'tel' : 'text'}
        onInput={(event: Event) => {
          props.draft[name] = textOf(event);
        }}
        {...common}
      />
    );

    const countryField = (common: object) => (
      <select
        onChange={(event: Event) => {
          props.draft.country = textOf(event);
        }}
        {...common}
      >
        <option value="">{props.texts.chooseCountry}</option>
        {named.value.map(({ code, name }) => (
          <option value={code} key={code} selected={code === props.draft.country}>
            {name}
          </option>
        ))}
      </select>
    );

    return () => (
      <div class="till-address">
        {FIELDS.map(({ name, autocomplete, required }) => {
          const { draft, section, path, wrong, texts } = props;
          const field = path ? `${path}.${name}` : name;
          const idOf = `${id}-${name}`;
          const isWrong = wrong?.field === field;
          const common = {
            id: idOf,
            name: field,
            autocomplete: `${section} ${autocomplete}`.trim(),
            required,
            value: draft[name],
            ...(isWrong && { 'aria-invalid': true, 'aria-describedby': `${idOf}-wrong` }),
          };
          return (
            <div class={`till-field till-${name}`} key={name}>
              <label for={idOf}>{texts[name]}</label>
              {name === 'country' ? countryField(common) : textField(name, common)}
              {isWrong && (
                <p class="till-wrong" id={`${idOf}-wrong`}>
                  {wrong.message}
                </p>
              )}
            </div>
          );
        })}
      </div>
    );
  },
});

/** What stands in the field that the event is of. */
export const textOf = (event: Event) =>
  (event.target as HTMLInputElement | HTMLSelectElement).value;

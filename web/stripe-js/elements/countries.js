// Countries, and what an address is made of in them.

const CODES =
  'AD AE AF AG AI AL AM AO AR AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BM BN BO BR BS BT BW BY BZ CA ' +
  'CD CF CG CH CI CL CM CN CO CR CV CW CY CZ DE DJ DK DM DO DZ EC EE EG ER ES ET FI FJ FO FR GA GB GD ' +
  'GE GF GG GH GI GL GM GN GP GQ GR GT GW GY HK HN HR HT HU ID IE IL IM IN IQ IS IT JE JM JO JP KE KG ' +
  'KH KI KM KN KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MG MK ML MM MN MO MQ MR MS MT ' +
  'MU MV MW MX MY MZ NA NC NE NG NI NL NO NP NR NZ OM PA PE PF PG PH PK PL PR PS PT PY QA RE RO RS RU ' +
  'RW SA SB SC SE SG SI SK SL SM SN SO SR SS ST SV SZ TD TG TH TJ TL TM TN TO TR TT TV TW TZ UA UG US ' +
  'UY UZ VA VC VE VG VN VU WF WS XK YE YT ZA ZM ZW';

/** Where nobody writes a postal code. */
const WITHOUT_CODE = new Set(
  (
    'AE AG AO AW BF BI BJ BO BS BW BZ CD CF CG CI CM CW DJ DM ER FJ GA GD GH GM GN GQ GY HK KI KM KN KP ' +
    'LC LY ML MO MR MW NR QA RW SB SC SL SR SS ST TD TG TL TO TT TV UG VC VU YE ZW'
  ).split(' '),
);

/** Where an address names the part of the country, and what that is called. @type {Record<string, string>} */
const STATES = {
  AE: 'Emirate',
  AU: 'State',
  BR: 'State',
  CA: 'Province',
  CN: 'Province',
  ES: 'Province',
  IE: 'County',
  IN: 'State',
  IT: 'Province',
  JP: 'Prefecture',
  KR: 'Province',
  MX: 'State',
  US: 'State',
};

/** Where a card's holder is asked for the postal code, because her bank compares it. */
const COMPARED = ['US', 'CA', 'GB', 'PR'];

/** @param {string[] | undefined} allowed @returns {[string, string][]} codes and names, by name */
export function countries(allowed) {
  const names = new Intl.DisplayNames(['en'], { type: 'region' });
  return CODES.split(' ')
    .filter((code) => !allowed?.length || allowed.includes(code))
    .map((code) => /** @type {[string, string]} */ ([code, names.of(code) ?? code]))
    .sort(([, one], [, other]) => one.localeCompare(other, 'en'));
}

export const hasPostalCode = (/** @type {string} */ country) => !WITHOUT_CODE.has(country);
export const stateIn = (/** @type {string} */ country) => STATES[country];
export const isCompared = (/** @type {string} */ country) => COMPARED.includes(country);
export const postalCodeIn = (/** @type {string} */ country) =>
  country === 'US' || country === 'PR' ? 'ZIP code' : 'Postal code';

/** Where the reader of this page probably is. */
export function homeCountry() {
  return new Intl.Locale(navigator.language).maximize().region ?? 'US';
}

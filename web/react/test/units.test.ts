import { describe, expect, it } from 'vitest';
import { addressDefaults, isSaved, sessionAddress } from '../src/address.js';
import { stripeAmount } from '../src/amount.js';

describe('what Stripe and the shop write differently', () => {
  it.for([
    [1690, 'EUR', 1690],
    [500, 'JPY', 500],
    [500, 'ISK', 50_000],
    [500, 'UGX', 50_000],
    [50_000, 'MGA', 500],
    [1230, 'KWD', 1230],
  ] as const)('an amount: %i %s is %i', ([minor, currency, told]) => {
    expect(stripeAmount(minor, currency)).toBe(told);
  });

  const address = {
    line1: 'Weg 1',
    line2: null,
    city: 'Bonn',
    state: 'NW',
    country: 'DE',
    postal_code: '53111',
  };

  it('an address, with a name in two parts or in one, and what Stripe does not ask for', () => {
    const split = { name: 'Ada Maria Beispiel', firstName: 'Ada Maria', lastName: 'Beispiel' };
    const saved = sessionAddress({ ...split, address }, { company: 'Till', line2: 'Hof' });
    expect(saved).toEqual({
      firstName: 'Ada Maria',
      lastName: 'Beispiel',
      company: 'Till',
      line1: 'Weg 1',
      line2: '',
      city: 'Bonn',
      county: 'NW',
      country: 'DE',
      postcode: '53111',
    });
    const whole = sessionAddress({ name: 'Ada Maria Beispiel', address }, null);
    expect([whole.firstName, whole.lastName]).toEqual(['Ada', 'Maria Beispiel']);
    expect(addressDefaults(saved)).toMatchObject({
      firstName: 'Ada Maria',
      address: { city: 'Bonn' },
    });
    expect(addressDefaults(null)).toEqual({});
    expect([
      isSaved(saved, saved),
      isSaved(saved, null),
      isSaved(saved, { ...saved, city: 'Köln' }),
    ]).toEqual([true, false, false]);
  });
});

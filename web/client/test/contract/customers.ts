// Accounts: by letter and password, with one cart and all orders.

import { expect, it } from 'vitest';
import { orThrow } from '../../src/index.js';
import { ADDRESS, FORM, NOBODY, type Shop, type Shopper, said } from './shopper.js';

const PASSWORD = 'correct horse battery';

/** Each test has mailboxes of its own. */
let mailboxes = 0;
function mailbox(): string {
  mailboxes += 1;
  return `ada-${mailboxes}@example.org`;
}

async function signUp({ till, stage }: Shopper, email: string) {
  orThrow(await till.customers.register({ email, password: PASSWORD }));
  return orThrow(await till.customers.verify(await stage.letter(email), PASSWORD));
}

export function customers(shop: Shop) {
  it('makes an account by the link of a letter and the password of whoever asked', async () => {
    const [{ till, stage }, email] = [shop(), mailbox()];
    orThrow(await till.customers.register({ email, password: PASSWORD, name: 'Ada' }));
    expect(said(await till.customers.signIn(email, PASSWORD))).toBe('401 auth.required');
    const token = await stage.letter(email);
    expect(said(await till.customers.verify(token, 'another password'))).toBe('401 auth.required');
    expect(said(await till.customers.get())).toBe('401 auth.required');
    const customer = orThrow(await till.customers.verify(token, PASSWORD));
    const { id, createdAt } = customer;
    const known = { id, createdAt, email, name: 'Ada', acceptsMarketing: false, addresses: [] };
    expect(customer).toEqual(known);
    expect(orThrow(await till.customers.get())).toEqual(known);
    expect(said(await till.customers.verify(token, PASSWORD))).toBe('404 link.notFound');
  });

  it('signs in and out, and tells nobody who has an account', async () => {
    const [ada, email] = [shop(), mailbox()];
    await signUp(ada, email);
    const { customers } = shop().till;
    for (const [who, password] of [
      [email, 'not her password'],
      ['nobody@example.org', PASSWORD],
    ] as const) {
      expect(said(await customers.signIn(who, password))).toBe('401 auth.required');
    }
    expect(said(await customers.register({ email, password: 'a password' }))).toBe('ok');
    expect(said(await customers.forgotPassword('nobody@example.org'))).toBe('ok');
    expect(orThrow(await customers.signIn(email.toUpperCase(), PASSWORD)).email).toBe(email);
    orThrow(await customers.signOut());
    expect(said(await customers.get())).toBe('401 auth.required');
    expect(said(await ada.till.customers.get())).toBe('ok');
  });

  it('refuses what is no address and no password, and says which field it is', async () => {
    const { till } = shop();
    for (const [email, password, field] of [
      ['ada', PASSWORD, 'email'],
      ['ada@example.org', '1234567', 'password'],
      ['ada@example.org', 'x'.repeat(1025), 'password'],
    ] as const) {
      const failure = { code: 'request.invalid', details: { field } };
      expect(await till.customers.register({ email, password })).toMatchObject({ failure });
    }
  });

  it('replaces a forgotten password once, and signs out everywhere', async () => {
    const [ada, email] = [shop(), mailbox()];
    await signUp(ada, email);
    const { customers } = ada.till;
    orThrow(await customers.forgotPassword(email));
    const token = await ada.stage.letter(email, 2);
    orThrow(await customers.resetPassword(token, 'an entirely new one'));
    expect(said(await customers.get())).toBe('401 auth.required');
    expect(said(await customers.resetPassword(token, PASSWORD))).toBe('404 link.notFound');
    expect(said(await customers.signIn(email, PASSWORD))).toBe('401 auth.required');
    expect(said(await customers.signIn(email, 'an entirely new one'))).toBe('ok');
  });

  it('keeps what a customer says of herself, and her addresses', async () => {
    const [ada, email] = [shop(), mailbox()];
    await signUp(ada, email);
    const { customers } = ada.till;
    const words = { name: 'Ada', acceptsMarketing: true, marketingText: 'Tell me of mugs.' };
    expect(orThrow(await customers.update(words))).toMatchObject(words);
    expect(said(await customers.update({ newPassword: 'an entirely new one' }))).toBe(
      '400 request.invalid',
    );
    orThrow(await customers.addAddress(ADDRESS));
    const office = { ...ADDRESS, city: 'Potsdam', isDefault: true };
    const { addresses } = orThrow(await customers.addAddress(office));
    expect(addresses.map(({ city, isDefault }) => [city, isDefault])).toEqual([
      ['Berlin', false],
      ['Potsdam', true],
    ]);
    const [home, second] = addresses.map(({ id }) => id);
    const moved = orThrow(await customers.changeAddress(home ?? '', { ...ADDRESS, city: 'Bonn' }));
    expect(moved.addresses[0]?.city).toBe('Bonn');
    const left = orThrow(await customers.removeAddress(second ?? ''));
    expect(left.addresses.map(({ city, isDefault }) => [city, isDefault])).toEqual([
      ['Bonn', true],
    ]);
    expect(said(await customers.removeAddress(NOBODY))).toBe('404 address.notFound');
    const wrong = await customers.addAddress({ ...ADDRESS, country: 'XX' });
    expect(wrong).toMatchObject({
      failure: { code: 'checkout.addressInvalid', details: { field: 'country' } },
    });
  });

  it('brings the cart along, and the orders of the same mailbox', async () => {
    const [ada, email] = [shop(), mailbox()];
    await ada.add('gift');
    const { orderId } = await ada.intent({ ...FORM, email });
    await ada.add('mug', 2);
    const { id } = await signUp(ada, email);
    expect(await ada.cart()).toBe('2 x mug');
    const phone = shop();
    await phone.add('lamp');
    orThrow(await phone.till.customers.signIn(email, PASSWORD));
    expect(await phone.cart()).toBe('2 x mug, 1 x lamp');
    expect(await ada.cart()).toBe('2 x mug, 1 x lamp');
    const { items } = orThrow(await phone.till.orders.list());
    expect(items.map((order) => [order.id, order.customer])).toEqual([
      [orderId, { email, customerId: id }],
    ]);
    expect(orThrow(await phone.till.orders.get(orderId))).toEqual(items[0]);
    expect(said(await phone.till.orders.list({ limit: 51 }))).toBe('400 request.invalid');
    expect(said(await shop().till.orders.list())).toBe('401 auth.required');
  });

  it('deletes an account for whoever knows its password', async () => {
    const [ada, email] = [shop(), mailbox()];
    await signUp(ada, email);
    const { customers } = ada.till;
    expect(said(await customers.remove('not her password'))).toBe('400 request.invalid');
    orThrow(await customers.remove(PASSWORD));
    expect(said(await customers.get())).toBe('401 auth.required');
    expect(said(await customers.signIn(email, PASSWORD))).toBe('401 auth.required');
  });
}

// @vitest-environment happy-dom
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { createTill, type Failure, type Fetch } from '@till/client';
import { createStub } from '@till/client/stub';
import { tillPlugin } from '@till/vue';
import { createPinia } from 'pinia';
import { beforeEach, describe, expect, it } from 'vitest';
import { createApp, effectScope, nextTick } from 'vue';
import { complaintOf } from '../src/account/complaint.js';
import { useCustomer } from '../src/customer.js';
import { forgetDraft, isInFields, keptDraft, suggest } from '../src/draft.js';
import { factsOf } from '../src/facts.js';
import { useProducts } from '../src/products.js';

/** What is gone from the first load is not missed by anybody. */
const SCRIPT_BYTES_MAX = 60_000;
const ACCOUNT_BYTES_MAX = 10_000;
const STYLE_BYTES_MAX = 6_000;

const DIST = join(import.meta.dirname, '../dist');
const read = (path: string) => readFileSync(join(DIST, path));

describe('the build', () => {
  const names = readdirSync(join(DIST, 'shop'));

  it('is one small style, one small script, and another one for accounts', () => {
    const parts = names.filter((name) => /\.(js|css)$/.test(name)).sort();
    const bytes = parts.map((name) => gzipSync(read(`shop/${name}`)).byteLength);
    console.log(
      `storefront, gzipped: ${parts.map((name, at) => `${name} ${bytes[at]}`).join(', ')}`,
    );
    const kinds = parts.map((name) => name.replace(/-[^.]+/, ''));
    expect(kinds).toEqual(['index.js', 'pages.js', 'style.css']);
    const [script = 0, accounts = 0, style = 0] = bytes;
    expect(script).toBeLessThan(SCRIPT_BYTES_MAX);
    expect(accounts).toBeLessThan(ACCOUNT_BYTES_MAX);
    expect(style).toBeLessThan(STYLE_BYTES_MAX);
  });

  it('lies beside itself packed, and says in its page what it hashes to', async () => {
    const page = read('index.html').toString();
    const named = [...page.matchAll(/"\/(shop\/[^"]+)"(?: integrity=|:)"(sha384-[^"]+)"/g)];
    expect(named).toHaveLength(3);
    for (const [, name = '', sum] of named) {
      const hash = await crypto.subtle.digest('SHA-384', read(name));
      expect(sum).toBe(`sha384-${Buffer.from(hash).toString('base64')}`);
      expect(brotliDecompressSync(read(`${name}.br`))).toEqual(read(name));
      expect(gunzipSync(read(`${name}.gz`))).toEqual(read(name));
    }
  });

  it('loads nothing from anybody else', () => {
    const page = read('index.html').toString();
    expect(page.match(/(?:src|href)="(?!\/shop\/|data:)/g)).toBeNull();
  });
});

describe('the page', () => {
  it('is told what works in this shop', () => {
    const facts = { shop: 'A & "B"', atPlatform: true, accounts: false, links: [] };
    const meta = document.createElement('meta');
    meta.name = 'till';
    meta.content = JSON.stringify(facts);
    document.head.replaceChildren(meta);
    expect(factsOf(document)).toEqual(facts);
    meta.content = '{{ facts }}';
    expect(factsOf(document).atPlatform).toBe(false);
  });
});

describe('what the shopper types', () => {
  beforeEach(() => sessionStorage.clear());

  it('is there again after a reload, until the order is paid', async () => {
    keptDraft().shippingAddress.city = 'Berlin';
    await nextTick();
    expect(keptDraft().shippingAddress.city).toBe('Berlin');
    forgetDraft();
    expect(keptDraft().shippingAddress.city).toBe('');
  });

  it('does not matter where it cannot be read', () => {
    sessionStorage.setItem('till-checkout', '{');
    expect(keptDraft().email).toBe('');
  });
});

describe('who has an account', () => {
  const HOME = {
    name: 'Ada Beispiel',
    street: 'Hauptstr. 1',
    postalCode: '10115',
    city: 'Berlin',
    country: 'DE',
  };
  const ACCOUNT = { email: 'ada@example.org', password: 'correct horse battery' };

  /** Somebody's browser, and her account. */
  async function open() {
    sessionStorage.clear();
    localStorage.clear();
    const stub = createStub();
    const till = createTill({ fetch: stub.visitor() });
    const app = createApp({}).use(createPinia()).use(tillPlugin, till);
    const hers = app.runWithContext(useCustomer);
    await till.customers.register(ACCOUNT);
    const { token = '' } = stub.letters(ACCOUNT.email).at(-1) ?? {};
    const verified = await till.customers.verify(token, ACCOUNT.password);
    if (!verified.ok) throw new Error(verified.failure.message);
    return { till, hers, customer: verified.value };
  }

  it('is known in this browser until she is signed out, here or elsewhere', async () => {
    const { till, hers, customer } = await open();
    expect(hers.isLikely()).toBe(false);
    await hers.enter(customer);
    expect([hers.isLikely(), hers.customer?.email]).toEqual([true, ACCOUNT.email]);
    await till.customers.signOut();
    await hers.look();
    expect([hers.isLikely(), hers.customer]).toEqual([false, null]);
  });

  it('leaves nothing that she has typed to the next one at this browser', async () => {
    const { hers, customer } = await open();
    await hers.enter(customer);
    keptDraft().email = ACCOUNT.email;
    await nextTick();
    await hers.leave();
    expect(keptDraft().email).toBe('');
  });

  it('need not type what the shop knows, and keeps what she has typed', async () => {
    const { till, hers } = await open();
    await hers.hear(till.customers.addAddress(HOME));
    await hers.hear(till.customers.addAddress({ ...HOME, city: 'Potsdam', isDefault: true }));
    const customer = hers.customer;
    if (!customer) throw new Error('nobody is signed in');
    const draft = keptDraft();
    suggest(draft, customer);
    expect([draft.email, draft.shippingAddress.city]).toEqual([ACCOUNT.email, 'Potsdam']);
    const isIn = customer.addresses.map((one) => isInFields(one, draft.shippingAddress));
    expect(isIn).toEqual([false, true]);
    Object.assign(draft.shippingAddress, { street: 'Nebenstr. 2', city: 'Bonn' });
    draft.email = 'office@example.org';
    suggest(draft, customer);
    expect([draft.email, draft.shippingAddress.city]).toEqual(['office@example.org', 'Bonn']);
  });

  it('hears in plain words what is wrong, and where', async () => {
    const { till } = await open();
    const complaint = async (asked: Promise<{ ok: true } | { ok: false; failure: Failure }>) => {
      const answer = await asked;
      if (answer.ok) throw new Error('it went well');
      return complaintOf(answer.failure, { signIn: 'No.', password: 'Not hers.' });
    };
    const { register, signIn, addAddress } = till.customers;
    expect(await complaint(register({ ...ACCOUNT, email: 'ada' }))).toEqual({
      field: 'email',
      message: 'This is not an e-mail address, such as ada@example.org.',
    });
    const wrong = { field: 'password', message: 'No.' };
    expect(await complaint(signIn(ACCOUNT.email, 'a guess of hers'))).toEqual(wrong);
    expect(await complaint(signIn(ACCOUNT.email, 'short'))).toMatchObject({ message: 'Not hers.' });
    expect(await complaint(addAddress({ ...HOME, country: 'XX' }))).toMatchObject({
      field: 'country',
    });
    const limited = { code: 'rate.limited', message: '', status: 429, details: undefined } as const;
    expect(complaintOf({ ...limited, retryAfterSeconds: 130 }).message).toContain('3 minutes');
    expect(complaintOf({ ...limited, retryAfterSeconds: 2 }).message).toContain('a minute');
  });
});

describe('the list of products', () => {
  function open(through: (fetch: Fetch) => Fetch = (fetch) => fetch) {
    const products = Array.from({ length: 30 }, (_, n) => ({
      sku: `thing-${n}`,
      name: `Thing ${n}`,
      price: 1,
      stock: 1,
    }));
    const stub = createStub({ products });
    const app = createApp({}).use(tillPlugin, createTill({ fetch: through(stub.visitor()) }));
    const list = app.runWithContext(() => effectScope().run(useProducts));
    if (!list) throw new Error('the scope has ended');
    return list;
  }

  it('goes on where it has ended', async () => {
    const list = open();
    await list.find('');
    expect([list.items.value.length, list.hasMore.value]).toEqual([24, true]);
    await list.more();
    expect([list.items.value.length, list.hasMore.value]).toEqual([30, false]);
    expect(new Set(list.items.value.map(({ id }) => id)).size).toBe(30);
  });

  it('shows what was asked last, though an older answer comes later', async () => {
    let release = () => {};
    const held = new Promise<void>((done) => {
      release = done;
    });
    const list = open((fetch) => async (url, init) => {
      const answer = await fetch(url, init);
      if (!url.includes('q=')) await held;
      return answer;
    });
    const first = list.find('');
    await list.find('Thing 7');
    release();
    await first;
    expect(list.items.value.map(({ name }) => name)).toEqual(['Thing 7']);
  });

  it('says why nothing has come, and tries again', async () => {
    let isLost = true;
    const list = open((fetch) => async (url, init) => {
      if (isLost) throw new TypeError('offline');
      return fetch(url, init);
    });
    await list.find('');
    expect(list.failure.value?.message).toBe('The shop cannot be reached.');
    isLost = false;
    await list.find('');
    expect([list.items.value.length, list.failure.value]).toEqual([24, null]);
  });
});

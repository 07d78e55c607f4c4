// @vitest-environment happy-dom
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createTill, type Fetch } from '@till/client';
import { createStub } from '@till/client/stub';
import { tillPlugin } from '@till/vue';
import { beforeEach, describe, expect, it } from 'vitest';
import { createApp, effectScope, nextTick } from 'vue';
import { forgetDraft, keptDraft } from '../src/draft.js';
import { factsOf } from '../src/facts.js';
import { useProducts } from '../src/products.js';

/** What is gone from the first load is not missed by anybody. */
const SCRIPT_BYTES_MAX = 60_000;
const STYLE_BYTES_MAX = 6_000;

const DIST = join(import.meta.dirname, '../dist');
const read = (path: string) => readFileSync(join(DIST, path));

describe('the build', () => {
  const names = readdirSync(join(DIST, 'shop'));

  it('is one small script and one small style', () => {
    const ofKind = (kind: string) => names.filter((name) => name.endsWith(kind));
    const bytes = (kind: string) => gzipSync(read(`shop/${ofKind(kind)[0]}`)).byteLength;
    expect([ofKind('.js').length, ofKind('.css').length]).toEqual([1, 1]);
    console.log(`storefront: ${bytes('.js')} bytes of script, ${bytes('.css')} of style, gzipped`);
    expect(bytes('.js')).toBeLessThan(SCRIPT_BYTES_MAX);
    expect(bytes('.css')).toBeLessThan(STYLE_BYTES_MAX);
  });

  it('lies beside itself packed, and says in its page what it hashes to', async () => {
    const page = read('index.html').toString();
    const named = [...page.matchAll(/"\/(shop\/[^"]+)" integrity="(sha384-[^"]+)"/g)];
    expect(named).toHaveLength(2);
    for (const [, name = '', sum] of named) {
      const hash = await crypto.subtle.digest('SHA-384', read(name));
      expect(sum).toBe(`sha384-${Buffer.from(hash).toString('base64')}`);
      for (const end of ['br', 'gz']) expect(names).toContain(`${name.slice(5)}.${end}`);
    }
  });

  it('loads nothing from anybody else', () => {
    const page = read('index.html').toString();
    expect(page.match(/(?:src|href)="(?!\/shop\/|data:)/g)).toBeNull();
  });
});

describe('the page', () => {
  it('is told what works in this shop', () => {
    const facts = { shop: 'A & "B"', atPlatform: true, links: [] };
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

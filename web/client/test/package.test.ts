// What is published: its shape, its size, and what its README says of it.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { createTill } from '@till/client';
import { createStub } from '@till/client/stub';
import { build } from 'esbuild';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { describe, expect, it } from 'vitest';
import { placeOrder } from '../examples/place-order.js';
import { FORM } from './contract/shopper.js';

const run = promisify(execFile);
const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PACKAGES = ['client', 'vue', 'react', 'better-auth'];
const BYTES_MAX = 5000;

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

/** What a shop's page loads of it, minified and gzipped. */
async function bytesOf(code: string, external: string[] = []): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: PACKAGE },
    bundle: true,
    external,
    minify: true,
    format: 'esm',
    write: false,
    logLevel: 'error',
  });
  return gzipSync(outputFiles[0]?.contents ?? '').byteLength;
}

describe('the package', () => {
  it('is small', async () => {
    const whole = await bytesOf("export * from '@till/client';");
    console.log(`@till/client: ${whole} bytes minified and gzipped`);
    expect(whole).toBeLessThan(BYTES_MAX);
  });

  it('leaves out what is not used', async () => {
    expect(await bytesOf("import '@till/client'; import '@till/client/stub';")).toBeLessThan(50);
    const money = await bytesOf("export { formatAmount } from '@till/client';");
    const till = await bytesOf("export { createTill } from '@till/client';");
    expect(money + till).toBeLessThan((await bytesOf("export * from '@till/client';")) + 200);
  });

  it('is small in React too, besides what others bring', async () => {
    const external = ['react', 'react-dom', '@stripe/*', '@plasmicapp/*'];
    const react = await bytesOf("export * from '@till/react';", external);
    const plasmic = await bytesOf("export * from '@till/react/plasmic';", external);
    console.log(`@till/react: ${react} bytes, with Plasmic ${plasmic}`);
    expect(react).toBeLessThan(6200);
    expect(plasmic).toBeLessThan(8500);
  });

  it('depends on nothing', () => {
    const { dependencies, peerDependencies } = JSON.parse(read('package.json'));
    expect([dependencies, peerDependencies]).toEqual([undefined, undefined]);
  });
});

describe.concurrent('every package', () => {
  it.for(PACKAGES)('%s has a shape that every tool understands', async (name, { expect }) => {
    const pkgDir = `${ROOT}/${name}`;
    const { messages, pkg } = await publint({ pkgDir, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
    // Ends with 1, and says why, when it finds something.
    const attw = ['attw', '--pack', pkgDir, '--profile', 'esm-only', '--no-emoji'];
    // A style has no types.
    if (name === 'vue') attw.push('--exclude-entrypoints', './checkout-form.css');
    await run('npm', ['exec', '--offline', '--', ...attw], { cwd: ROOT });
  });

  it('brings no Stripe library for servers, and names nowhere to download from', ({ expect }) => {
    const lock: { packages: Record<string, { resolved?: string }> } = JSON.parse(
      read('../package-lock.json'),
    );
    const places = Object.entries(lock.packages);
    // What runs in browsers is no library for servers.
    const stripes = places.map(([path]) => path).filter((path) => /stripe/.test(path));
    expect(stripes).toEqual(
      ['react-stripe-js', 'stripe-js'].map((of) => `node_modules/@stripe/${of}`),
    );
    const addresses = places.map(([, { resolved = '' }]) => resolved);
    expect(addresses.filter((address) => address.includes(':'))).toEqual([]);
  });
});

describe('what the documents show', () => {
  it('is the code of the examples', () => {
    const documents = [
      read('README.md'),
      read('../vue/README.md'),
      read('../react/README.md'),
      read('../better-auth/README.md'),
      read('../../docs/front-end.md'),
    ];
    const blocks = documents.flatMap((text) => [...text.matchAll(/```tsx?\n(.*?)```/gs)]);
    const shown = blocks.map(([, code = '']) => code);
    const names = [
      'examples/first-order.ts',
      'examples/place-order.ts',
      '../vue/examples/checkout-page.ts',
      '../react/examples/checkout-page.tsx',
      '../better-auth/examples/auth.ts',
    ];
    const examples = names.map(read);
    for (const example of examples) expect(shown).toContain(example);
    // What is too short for a file of its own.
    const others = shown.filter((code) => !examples.includes(code));
    for (const code of others) expect(code.split('\n').length).toBeLessThan(6);
  });

  it('prints what it says that it prints', async () => {
    const { outputFiles } = await build({
      entryPoints: [`${PACKAGE}/examples/first-order.ts`],
      bundle: true,
      format: 'esm',
      write: false,
    });
    const code = outputFiles[0]?.text ?? '';
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', code]);
    expect(read('README.md')).toContain(`which prints \`${stdout.trim()}\``);
  });

  it('shows the shopper what to do next, whatever the shop says', async () => {
    const stub = createStub();
    const till = createTill({ fetch: stub.visitor() });
    const next = () => placeOrder(till, FORM);
    expect(await next()).toEqual({ show: 'message', message: 'Cart is empty.' });
    const page = await till.products.search('mug');
    const mug = (page.ok && page.value.items[0]?.id) || '';
    await till.cart.add(mug);
    expect(await placeOrder(till, { ...FORM, email: 'x' })).toMatchObject({ field: 'email' });
    stub.setPrice('mug', 25);
    expect(await next()).toMatchObject({ show: 'changes', lines: [{ newUnitPrice: 25 }] });
    await till.cart.get();
    stub.setStock('mug', 0);
    expect(await next()).toMatchObject({ show: 'changes', lines: [{ available: 0 }] });
    stub.setStock('mug', 10);
    const paying = await next();
    if (paying.show !== 'payment') throw new Error(paying.show);
    stub.stripe.holdEvents();
    const { clientSecret = '', orderId } = paying.intent;
    await stub.stripe.confirmPayment({ clientSecret, card: '4242424242424242' });
    await till.cart.add(mug);
    expect(await next()).toEqual({ show: 'order', orderId });
  });
});

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

it('the types are those of docs/openapi.json', async () => {
  const { generated } = await import('../generate.mjs');
  const committed = readFileSync(new URL('../src/api.ts', import.meta.url), 'utf8');
  const isFresh = committed === (await generated());
  expect(
    isFresh,
    'client/src/api.ts is not what docs/openapi.json says any more. Run: npm run types --prefix web',
  ).toBe(true);
});

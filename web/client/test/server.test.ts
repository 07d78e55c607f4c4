import { it } from 'vitest';
import { contract } from './contract/index.js';
import { openServer } from './server.js';

const till = process.env.TILL_BINARY;
if (till) {
  contract('the server', () => openServer(till));
} else {
  const why = 'TILL_BINARY names no binary of the server; cargo xtask test --only web does';
  console.log(`skipped: ${why}`);
  it.skip(`the contract of the server (${why})`, () => undefined);
}

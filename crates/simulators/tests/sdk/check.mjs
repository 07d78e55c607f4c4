// Drives the simulated Stripe with Stripe's own Node library.
//
//   node check.mjs http://127.0.0.1:12111 [--only refunds]…
//
// Runs every theme in the folder `node`, or those that are named. Prints a line per check and
// ends with 1 at the first that does not hold.

import { readdirSync } from 'node:fs';

const themes = readdirSync(new URL('./node/', import.meta.url))
  .map((file) => file.replace(/\.mjs$/, ''))
  .filter((theme) => theme !== 'support');
const words = process.argv.slice(2);
const only = words.filter((_, place) => words[place - 1] === '--only');
for (const theme of only.length > 0 ? only : themes) {
  if (!themes.includes(theme)) throw new Error(`no such theme: ${theme}`);
  await import(`./node/${theme}.mjs`);
}
// The library does not read the body of an answer that it retries after, and such a connection
// keeps the process alive until the library's timeout of 80 seconds.
process.exit(0);

// What a shop asks of browsers while somebody tries out stolen cards: a second of work. The widget of
// Turnstile is the page's own to show, in `solve`; without it its failure stands.

import type { Challenge, Solution } from '@till/client';

/** So many numbers are tried between two looks at the page: it stays alive meanwhile. */
const AT_ONCE = 256;

/** Does the work; nothing where it is another challenge, or the browser cannot do it. */
export async function solutionOf(
  asked: Challenge,
  signal: AbortSignal,
): Promise<Solution | undefined> {
  // Browsers hash on safe pages alone, and on this machine.
  if (asked.kind !== 'work' || !globalThis.crypto?.subtle) return undefined;
  const { challenge, bits } = asked;
  for (let first = 0; !signal.aborted; first += AT_ONCE) {
    const numbers = Array.from({ length: AT_ONCE }, (_, n) => first + n);
    const zeros = await Promise.all(numbers.map((n) => zerosOf(`${challenge}:${n}`)));
    const found = zeros.findIndex((count) => count >= bits);
    if (found >= 0) return { kind: 'work', challenge, answer: String(first + found) };
  }
  return undefined;
}

/** How many zero bits the text's hash begins with. */
async function zerosOf(text: string): Promise<number> {
  const hash = new DataView(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  const words = [hash.getUint32(0), hash.getUint32(4)];
  const [first = 0, second = 0] = words.map(Math.clz32);
  return first < 32 ? first : 32 + second;
}

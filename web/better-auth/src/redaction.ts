// What of a session may leave the server: nothing that is not on the list.

const TOLD = ['id', 'userId', 'expiresAt', 'createdAt', 'updatedAt', 'epCartId', 'epExpires'];

/** An answer of better-auth's with what may be told of each session in it; nothing where there is none. */
export function redacted(answer: unknown): unknown {
  const found = { session: false };
  const told = without(answer, found);
  return found.session ? told : undefined;
}

function without(value: unknown, found: { session: boolean }): unknown {
  if (Array.isArray(value)) return value.map((one) => without(one, found));
  if (!isPlain(value)) return value;
  const entries = Object.entries(value);
  if (isSession(value)) {
    found.session = true;
    return Object.fromEntries(entries.filter(([name]) => TOLD.includes(name)));
  }
  return Object.fromEntries(entries.map(([name, part]) => [name, without(part, found)]));
}

const isSession = (value: object) => 'userId' in value && 'expiresAt' in value;

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

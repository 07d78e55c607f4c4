// What one page leaves for the next one to say, once.

let left = '';

/** The next page says this. */
export function sayNext(text: string): void {
  left = text;
}

/** What is to be said. */
export function said(): string {
  const text = left;
  left = '';
  return text;
}

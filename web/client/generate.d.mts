/** What src/api.ts must be. */
export function generated(): Promise<string>;

// The client, as the app has it.

import type { Till } from '@till/client';
import { type App, type InjectionKey, inject } from 'vue';

const KEY: InjectionKey<Till> = Symbol('till');

/** `app.use(tillPlugin, till)` with the client that stores and composables are to speak through. */
export const tillPlugin = {
  install(app: App, till: Till): void {
    app.provide(KEY, till);
  },
};

/** The app's client. */
export function useTill(): Till {
  const till = inject(KEY, undefined);
  if (!till) throw new Error('no shop: app.use(tillPlugin, createTill()) comes first');
  return till;
}

'use client';
// Components by the names they were registered with, which is how a Plasmic project knows them.

import type { ComponentRegistration, GlobalContextRegistration } from '@plasmicapp/host';
import type { ComponentType } from 'react';
import '../plasmic-init';

const { __PlasmicComponentRegistry: components, __PlasmicContextRegistry: contexts } =
  globalThis as unknown as {
    __PlasmicComponentRegistry: ComponentRegistration[];
    __PlasmicContextRegistry: GlobalContextRegistration[];
  };

// biome-ignore lint/suspicious/noExplicitAny: a project gives props that no compiler has seen
export type Registered = ComponentType<any>;

/** The component of this name. */
export const component = (name: string) => named(components, name);

/** The global context of this name. */
export const globalContext = (name: string) => named(contexts, name);

function named(
  registry: { component: Registered; meta: { name: string } }[],
  name: string,
): Registered {
  const found = registry.find(({ meta }) => meta.name === name);
  if (!found) throw new Error(`nobody has registered ${name}`);
  return found.component;
}

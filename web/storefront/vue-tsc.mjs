// Checks the types in .vue files. vue-tsc works inside TypeScript's own compiler, which from version 7
// on has no inside for it.
import { createRequire } from 'node:module';
import { run } from 'vue-tsc';

run(createRequire(import.meta.url).resolve('typescript-6/lib/tsc'));

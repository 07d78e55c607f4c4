import { join } from 'node:path';
import type { NextConfig } from 'next';

export default {
  poweredByHeader: false,
  reactStrictMode: true,
  // Types are checked with those of the other packages: `npm run check` in `web`.
  typescript: { ignoreBuildErrors: true },
  turbopack: { root: join(import.meta.dirname, '../..') },
} satisfies NextConfig;

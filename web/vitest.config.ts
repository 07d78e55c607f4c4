import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const REACT_18 = fileURLToPath(new URL('react-18/node_modules/', import.meta.url));
const timeouts = { testTimeout: 30_000, hookTimeout: 60_000 };
const react = { ...timeouts, environment: 'happy-dom', include: ['react/test/**/*.test.tsx'] };

export default defineConfig({
  test: {
    projects: [
      { test: { ...timeouts, name: 'node', include: ['*/test/**/*.test.ts'] } },
      { test: { ...react, name: 'react 19', provide: { react: '19' } } },
      {
        // What imports React must go through the alias too, and so be a module.
        resolve: {
          alias: [{ find: /^(react|react-dom)(?=\/|$)/, replacement: `${REACT_18}$1` }],
          mainFields: ['module', 'main'],
        },
        test: {
          ...react,
          name: 'react 18',
          provide: { react: '18' },
          server: { deps: { inline: [/@stripe/, /@plasmicapp/, /@testing-library\/react/] } },
        },
      },
    ],
  },
});

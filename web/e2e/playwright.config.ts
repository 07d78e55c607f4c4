// Walks through shops in Debian's Chromium, each of the runner's workers with its own shop, whose programs
// TILL_BINARY names; `cargo xtask test --only web` sets it.

import { existsSync } from 'node:fs';
import { defineConfig } from '@playwright/test';

const CHROMIUM = process.env.TILL_CHROMIUM ?? '/usr/bin/chromium';
if (!existsSync(CHROMIUM)) throw new Error(`there is no ${CHROMIUM}; TILL_CHROMIUM names another`);

export default defineConfig({
  testDir: 'walks',
  outputDir: 'node_modules/.walks',
  fullyParallel: true,
  // Walks wait longer than they compute: on two cores three of them are walked at a time.
  workers: 3,
  forbidOnly: true,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  // What waits for the server's own rhythm is there: it begins first, and the others go on beside it.
  projects: [
    { name: 'next', testMatch: 'next.test.ts' },
    { name: 'shop', testIgnore: 'next.test.ts' },
  ],
  reporter: 'list',
  use: {
    launchOptions: { executablePath: CHROMIUM },
    viewport: { width: 390, height: 844 },
    locale: 'de-DE',
    screenshot: 'only-on-failure',
  },
});

import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';
import { integrity, packed } from './build.ts';

export default defineConfig({
  plugins: [vue(), integrity(), packed()],
  build: {
    // One script for whoever buys, one for accounts; their check sums stand in the page.
    assetsDir: 'shop',
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: false,
    // With the page: what is loaded later must not make it jump.
    cssCodeSplit: false,
  },
  define: { __VUE_OPTIONS_API__: 'false', __VUE_PROD_DEVTOOLS__: 'false' },
  // `npm run dev` beside a demo on its usual port.
  server: { proxy: { '/api': 'http://127.0.0.1:8080', '/assets': 'http://127.0.0.1:8080' } },
});

import { svelte } from '@sveltejs/vite-plugin-svelte';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// One tree, served at its own paths: dist/desk/index.html at /desk/, dist/shop/index.html
// at /shop/, hashed files below /desk/assets/. Nothing is inlined: the pages run under
// a CSP without 'unsafe-inline'.
export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2023',
    outDir: 'dist',
    assetsDir: 'desk/assets',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    rollupOptions: {
      input: {
        desk: at('desk/index.html'),
        shop: at('shop/index.html'),
        'call-us': at('shop/call-us.ts'),
      },
      output: {
        // The widget keeps its name: other pages load it by URL.
        entryFileNames: (chunk) =>
          chunk.name === 'call-us' ? 'shop/call-us.js' : 'desk/assets/[name]-[hash].js',
      },
    },
  },
  server: {
    port: 5173,
    proxy: Object.fromEntries(
      ['/api', '/sip', '/v1', '/mock', '/shop/config.json'].map((path) => [
        path,
        { target: process.env.FILO_URL ?? 'http://127.0.0.1:8099', ws: true },
      ]),
    ),
  },
  test: {
    projects: [
      { extends: true, test: { name: 'unit', include: ['{desk,shop}/**/*.test.ts'], environment: 'node', env: { TZ: 'Europe/Rome' } } },
      {
        test: {
          name: 'browser',
          include: ['test/browser/*.test.ts'],
          environment: 'node',
          globalSetup: ['test/browser/build.ts'],
          testTimeout: 60_000,
          expect: { poll: { timeout: 10_000 } }, // a loaded machine paints late
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});

import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';
import { compress } from './build/compress.ts';

const backend = 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [react(), compress()],
  build: {
    target: 'es2022',
    // The binary's Content-Security-Policy allows images from `data:`, but a
    // font or a script inlined that way would be refused.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // The client that others import, web/sdk, is the page's own.
  server: {
    proxy: { '/api': { target: backend, ws: true }, '/socket.io': { target: backend, ws: true } },
    fs: { allow: ['.', '../sdk'] },
  },
  preview: { proxy: { '/api': { target: backend, ws: true }, '/socket.io': { target: backend, ws: true } } },
  test: { include: ['src/**/*.test.{ts,tsx}', 'build/**/*.test.ts'] },
});

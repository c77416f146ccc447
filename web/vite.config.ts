import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** The page's build. `vite web` serves it with reload and passes the API and the socket on to a local server. */
const server = process.env.PARLEY_URL ?? 'http://127.0.0.1:3000';

// The tool insists on a default export here.
export default defineConfig({
  plugins: [react()],
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: true,
    // Everything is a file of its own under /assets, so that a strict Content-Security-Policy holds.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    host: '127.0.0.1',
    proxy: {
      '/api': server,
      '/socket.io': { target: server, ws: true },
    },
  },
});

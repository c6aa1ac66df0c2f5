// Runs a TypeScript module of this package in a process of its own: node run-source.mjs <file> [argument…]
// Plain node cannot read TypeScript, and a build would have to come before the tests.
import { fileURLToPath } from 'node:url';
import { createViteServer } from 'vitest/node';

const conditions = ['@reactor/source', 'module', 'node'];
const server = await createViteServer({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  configFile: false,
  logLevel: 'error',
  optimizeDeps: { noDiscovery: true, include: [] },
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  resolve: { conditions },
  ssr: { resolve: { conditions } },
});
const [file, ...args] = process.argv.slice(2);
const { main } = await server.ssrLoadModule(file);
await server.close();
await main(...args);

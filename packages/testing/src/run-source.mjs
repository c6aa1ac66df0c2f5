// Runs a TypeScript module in a process of its own: node run-source.mjs <file> [argument…]
// Plain node cannot read TypeScript, and a build would have to come before the tests.
import { dirname } from 'node:path';
import { createViteServer } from 'vitest/node';

const conditions = ['@reactor/source', 'module', 'node'];
const [file, ...args] = process.argv.slice(2);
const server = await createViteServer({
  root: dirname(file),
  configFile: false,
  logLevel: 'error',
  optimizeDeps: { noDiscovery: true, include: [] },
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  resolve: { conditions },
  ssr: { resolve: { conditions } },
});
const { main } = await server.ssrLoadModule(file);
await server.close();
await main(...args);

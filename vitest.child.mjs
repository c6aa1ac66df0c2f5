// Runs a TypeScript module of ours in a plain Node process, from its source: `node vitest.child.mjs <module> <argument>`.
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { createViteServer } from 'vitest/node';

// Keeps the process alive until it is killed.
createServer().listen(0, '127.0.0.1');
const conditions = ['@reactor/source', 'module', 'node'];
const vite = await createViteServer({
  configFile: false,
  logLevel: 'error',
  appType: 'custom',
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  optimizeDeps: { noDiscovery: true },
  resolve: { conditions },
  ssr: { resolve: { conditions } },
});
const { main } = await vite.ssrLoadModule(resolve(process.argv[2]));
await main(process.argv[3]);

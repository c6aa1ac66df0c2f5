// The command line as a process of its own, for process.test.ts; its sources, since the tests run without a build.
import { fileURLToPath } from 'node:url';
import { createViteServer } from 'vitest/node';

const vite = await createViteServer({
  configFile: false,
  logLevel: 'silent',
  root: fileURLToPath(new URL('../src', import.meta.url)),
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
});
try {
  await vite.ssrLoadModule('/command-line.ts');
} finally {
  await vite.close();
}

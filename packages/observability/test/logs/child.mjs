// A process of its own for output.test.ts: logs to its standard output, says so on standard error, and ends as told.
// Loads the sources through vite, since the tests run without a build.
import { writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createViteServer } from 'vitest/node';

const conditions = ['@reactor/source', 'module', 'node'];
const vite = await createViteServer({
  configFile: false,
  logLevel: 'silent',
  root: fileURLToPath(new URL('../../src/logs', import.meta.url)),
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  resolve: { conditions },
  ssr: { resolve: { conditions } },
});
const { createLogging } = await vite.ssrLoadModule('/index.ts');
await vite.close();

const [ending, count] = process.argv.slice(2);
const logging = createLogging({ filter: 'info', fmt: 'json', clock: { now: Date.now } });
const logger = logging.logger('reactor_test');
for (let line = 1; line <= Number(count); line++) logger.info('counted', { line, padding: 'x'.repeat(100) });
writeSync(2, 'ready\n');

const endings = {
  exit: () => process.exit(0),
  throw: () => {
    throw new Error('unexpected');
  },
  kill: () => {
    logging.flush();
    process.kill(process.pid, 'SIGKILL');
  },
  nothing: () => {},
};
endings[ending]();

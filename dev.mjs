// `npx pnpm@10 dev`: builds, starts the server with a log for people, and starts it anew after every change that compiles.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';

/** Editors and checkouts write several files: for how many milliseconds nothing may change before a build. */
const QUIET_MS = 100;
const BUILD = ['node_modules/typescript/bin/tsc', '-b', 'apps/reactor-server', 'apps/reactor-cli'];
const SERVER = ['apps/reactor-server/dist/main.js', ...process.argv.slice(2)];

let changes = 0;
let quiet;
let wake = () => {};
const packages = [...readdirSync('packages').map((name) => join('packages', name)), 'apps/reactor-server'];
for (const folder of packages.flatMap((name) => [join(name, 'src'), join(name, 'migrations')]).filter(existsSync)) {
  watch(folder, { recursive: true }, (_, file) => {
    if (file?.endsWith('.test.ts')) return;
    clearTimeout(quiet);
    quiet = setTimeout(() => {
      changes += 1;
      end(build);
      wake();
    }, QUIET_MS);
  });
}

/** In a process group of its own: Ctrl-C then reaches only this process, which tells the others once. */
function start(args) {
  const env = { REACTOR_TRACING__FMT: 'pretty', ...process.env };
  const child = spawn(process.execPath, args, { stdio: 'inherit', detached: true, env });
  return { child, exit: once(child, 'exit') };
}

/** The whole group: the compiler is a child of what is started here. */
function end(started) {
  if (started?.child.exitCode === null && started.child.signalCode === null)
    process.kill(-started.child.pid, 'SIGTERM');
}

let build;
let server;
let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    stopping = true;
    end(build);
    end(server);
    wake();
  });
}

for (let built; !stopping; ) {
  if (built === changes) {
    await new Promise((resolve) => {
      wake = resolve;
    });
    continue;
  }
  built = changes;
  build = start(BUILD);
  const [code] = await build.exit;
  if (code !== 0 || built !== changes || stopping) continue;
  end(server);
  await server?.exit;
  if (!stopping) server = start(SERVER);
}
await server?.exit;
process.exit(0);

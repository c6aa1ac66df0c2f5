import { fork } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const CPU_USAGE = new URL('cpu-usage.mjs', import.meta.url).href;

/**
 * A server in a process of its own, with its output in a file.
 * @param module URL of what it runs
 * @param options `args`, `env` and `cwd` of the process, `logFile` path of its output
 * @returns the child and `cpuUs()`: microseconds of CPU time that all its threads have used
 */
export function startProcess(module, { args = [], env = {}, cwd, logFile }) {
  const log = openSync(logFile, 'a');
  const child = fork(fileURLToPath(module), args, {
    cwd,
    env: { ...process.env, NODE_ENV: 'production', ...env },
    execArgv: ['--import', CPU_USAGE],
    stdio: ['ignore', log, log, 'ipc'],
  });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(
      `${fileURLToPath(module)} ended with code ${code}:\n${readFileSync(logFile, 'utf8').slice(-2_000)}`,
    );
  });
  ended.catch(() => {});
  const answer = (key) =>
    Promise.race([
      ended,
      new Promise((resolve) => {
        const onMessage = (message) => {
          if (!(key in message)) return;
          child.off('message', onMessage);
          resolve(message[key]);
        };
        child.on('message', onMessage);
      }),
    ]);
  return {
    child,
    ended,
    /** When it has told that it listens. @returns the port */
    listening: () => answer('port'),
    cpuUs: () => {
      const used = answer('cpuUs');
      child.send('cpu');
      return used;
    },
  };
}

/** A port that nobody listens on, for what cannot choose one by itself. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

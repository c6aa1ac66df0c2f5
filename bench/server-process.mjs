import { fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

/**
 * A server that tells its port, in a process of its own with its output in a file. Whoever starts it ends it.
 * @param module URL of what it runs
 * @param settings for the module, as JSON in its first argument
 * @returns its port and pid, once it listens
 * @throws Error with the end of its output when it ends before
 */
export async function startProcess(module, settings, { cwd, logFile, started }) {
  const log = openSync(logFile, 'a');
  const child = fork(fileURLToPath(module), [JSON.stringify(settings)], {
    cwd,
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  started(child);
  const [answer] = await Promise.race([once(child, 'message'), once(child, 'exit').then(() => [])]);
  if (answer === undefined) {
    throw new Error(`${fileURLToPath(module)} ended:\n${readFileSync(logFile, 'utf8').slice(-2_000)}`);
  }
  return { port: answer.port, pid: child.pid };
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

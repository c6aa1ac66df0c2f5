// The built server as it runs, in a process of its own.
import { spawn } from 'node:child_process';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../apps/reactor-server/dist/main.js', import.meta.url));
const POLL_MS = 100;
const PATIENCE_MS = 60_000;

/**
 * Starts it in a folder of its own on a free port, by the Reactor.toml that is there or without one, its log in a file.
 * Resolves when it is healthy. Whoever starts it ends it.
 */
export async function startReactor(directory) {
  const path = join(directory, 'log');
  const log = await open(path, 'w');
  const child = spawn(process.execPath, [...process.execArgv, MAIN, '--bind', '127.0.0.1:0'], {
    cwd: directory,
    stdio: ['ignore', log.fd, log.fd],
  });
  await log.close();
  for (let waited = 0; waited < PATIENCE_MS; waited += POLL_MS) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    if (child.exitCode !== null) throw new Error(`exit ${child.exitCode}\n${await readFile(path, 'utf8')}`);
    const url = await healthyUrl(directory);
    if (url !== undefined) return { child, pid: child.pid, url, port: Number(new URL(url).port) };
  }
  child.kill('SIGKILL');
  throw new Error(`not healthy within ${PATIENCE_MS} ms\n${await readFile(path, 'utf8')}`);
}

async function healthyUrl(directory) {
  try {
    const [, record = '{}'] = (await readFile(join(directory, '.reactor/server.pid'), 'utf8')).split('\n');
    const { url } = JSON.parse(record);
    return (await fetch(`${url}/health`)).ok ? url : undefined;
  } catch {
    // Not written yet, or not listening yet.
    return undefined;
  }
}

/** Microseconds of CPU that all threads of a process have used. */
export async function cpuOf(pid) {
  let total = 0;
  for (const task of await readdir(`/proc/${pid}/task`)) {
    const [ns] = (await readFile(`/proc/${pid}/task/${task}/schedstat`, 'utf8')).split(' ');
    total += Number(ns) / 1_000;
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The 14th field, counted after the name in parentheses; in hundredths of a second.
  const user = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[11]) * 10_000;
  return { total, user };
}

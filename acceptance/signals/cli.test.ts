import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { doctor } from '../support/client.js';
import { accessLineOf, type LogLine } from '../support/log.js';
import { CLI, startServer } from '../support/server.js';
import { until } from '../support/until.js';

const server = await startServer();

/** Runs `reactor` in the project folder of the server, where it finds address and token by itself. */
function reactor(...args: string[]) {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: server.directory,
    env: { PATH: process.env.PATH, HOME: server.directory },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  const exit = once(child, 'close').then(([code]) => code as number | null);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  return { child, exit, stdout: () => stdout };
}

async function printed(...args: string[]): Promise<string> {
  const { exit, stdout } = reactor(...args);
  expect(await exit).toBe(0);
  return stdout();
}

test('reactor doctor has what the endpoint answers', async () => {
  const { body } = await doctor(server);
  const outline = (report: typeof body) =>
    Object.entries(report).map(([name, { status, checks }]) => [name, status, checks.map((check) => check.name)]);
  const told = JSON.parse(await printed('doctor', '--json')) as { server: typeof body };
  expect(outline(told.server)).toEqual(outline(body));
  expect(body.auth?.checks.map(({ name }) => name)).toContain('db_ping');
  expect(body.storage?.checks.map(({ name }) => name)).toContain('fs_writable');
});

test('reactor logs --capability storage --since 1h prints the lines of storage', async () => {
  await fetch(`${server.url}/auth/v1/keys`);
  await fetch(`${server.url}/storage/v1/buckets`, { headers: { 'X-Request-Id': 'of-storage' } });
  const line = await accessLineOf(server, 'of-storage');
  const text = await printed('logs', '--capability', 'storage', '--since', '1h', '--json');
  const lines = text
    .trim()
    .split('\n')
    .map((row) => JSON.parse(row) as LogLine);
  expect(lines).toContainEqual(line);
  expect(lines.map(({ target }) => target).filter((target) => !/^reactor_storage(::|$)/.test(target))).toEqual([]);
});

test('reactor logs --follow prints a request as it comes, until Ctrl-C', async () => {
  const { child, exit, stdout } = reactor('logs', '--follow');
  await until('the kept lines', async () => stdout().includes('"ready"') || undefined);
  await fetch(`${server.url}/auth/v1/keys`, { headers: { 'X-Request-Id': 'live' } });
  await until('the live line', async () => stdout().includes('"request_id":"live"') || undefined);
  child.kill('SIGINT');
  expect(await exit).toBe(0);
});

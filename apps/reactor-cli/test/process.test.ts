import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { answering, testServer } from './fixtures.js';

function reactor(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [fileURLToPath(new URL('child.mjs', import.meta.url)), ...argv], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk) => {
      text[name] += chunk;
    });
  }
  return { child, text, closed: once(child, 'close') as Promise<[number | null, string | null]> };
}

test('Ctrl-C, a process manager or a closed terminal end logs --follow with 0', async () => {
  const { env, logger } = await testServer();
  logger.info('kept');
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const { child, text, closed } = reactor(['logs', '--follow'], env);
    await expect.poll(() => text.stdout, { timeout: 20_000 }).toContain('kept');
    child.kill(signal);
    expect(await closed, signal).toEqual([0, null]);
    expect(text.stderr).toBe('');
  }
});

test('ends quietly when nobody reads any more', async () => {
  const { env, logger } = await testServer();
  // More than a pipe holds.
  for (let i = 0; i < 2000; i++) logger.info('much', { text: 'x'.repeat(500) });
  for (const argv of [
    ['logs', '--json'],
    ['logs', '--follow'],
  ]) {
    const { child, text, closed } = reactor(argv, env);
    child.stdout.once('data', () => child.stdout.destroy());
    expect(await closed).toEqual([0, null]);
    expect(text.stderr).toBe('');
  }
});

test('writes all of a long result into a pipe before it ends', async () => {
  const { env, logger } = await testServer();
  for (let i = 0; i < 2000; i++) logger.info('much', { text: 'x'.repeat(500) });
  const { text, closed } = reactor(['logs', '-o', 'json'], env);
  expect(await closed).toEqual([0, null]);
  expect(JSON.parse(text.stdout).data).toHaveLength(2000);
});

test('exits with the code of what went wrong', async () => {
  const url = await answering(() => Response.json({ error: { message: 'no' } }, { status: 401 }));
  const { text, closed } = reactor(['logs', '--url', url]);
  expect(await closed).toEqual([3, null]);
  expect(text.stdout).toBe('');
});

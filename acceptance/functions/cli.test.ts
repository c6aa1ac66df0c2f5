import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { reactor } from '../support/reactor.js';
import { startServer } from '../support/server.js';
import { until } from '../support/until.js';

const server = await startServer();

/** What `reactor functions …` printed; one that fails ends the test with what it said. */
async function functions(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await reactor(server, 'functions', ...args);
  if (code !== 0) throw new Error(`functions ${args.join(' ')}: ${code}\n${stdout}${stderr}`);
  return stdout;
}

const invoke = async (...args: string[]) => (await functions('invoke', ...args)).trim();

test('the life of a function by the command line alone', async () => {
  await functions('new', 'hello');
  const entry = path.join(server.directory, 'hello/index.ts');
  const write = (answer: string) =>
    writeFile(
      entry,
      `export default (request: Request, env: Record<string, string>) => {
        console.log('asked for', new URL(request.url).pathname);
        return new Response(${answer});
      };`,
    );

  await write("'one ' + env.GREETING + ' ' + env.KEY");
  expect(await functions('deploy', 'hello')).toContain('1');
  await functions('env', 'set', 'hello', 'GREETING=good-day');
  await functions('secrets', 'set', 'hello', 'KEY=not-to-be-shown');
  expect(await invoke('hello', '/there')).toBe('one good-day not-to-be-shown');
  expect(await functions('env', 'list', 'hello')).toContain('good-day');
  const secrets = await functions('secrets', 'list', 'hello');
  expect(secrets).toContain('KEY');
  expect(secrets).not.toContain('not-to-be-shown');
  await functions('secrets', 'unset', 'hello', 'KEY');
  expect(await invoke('hello')).toBe('one good-day undefined');

  await write("'two'");
  await functions('deploy', 'hello', '--no-promote');
  expect(await invoke('hello')).toBe('one good-day undefined');
  await functions('promote', 'hello', '2');
  expect(await invoke('hello')).toBe('two');
  await functions('rollback', 'hello');
  expect(await invoke('hello')).toBe('one good-day undefined');
  const shown = JSON.parse(await functions('show', 'hello', '--json'));
  expect(JSON.stringify(shown)).toMatch(/"version":1\b/);
  expect(await functions('list')).toContain('hello');

  const logs = await until('the output of the call', async () => {
    const text = await functions('logs', 'hello');
    return text.includes('asked for /there') ? text : undefined;
  });
  expect(logs).not.toContain('not-to-be-shown');

  await functions('delete', 'hello', '--yes');
  expect(await functions('list')).not.toContain('hello');
  expect((await reactor(server, 'functions', 'invoke', 'hello')).stderr).toContain('hello');
});

test('a version that does not build is said with its place, and the one before goes on', async () => {
  await functions('new', 'broken');
  await functions('deploy', 'broken');
  const before = await invoke('broken');
  await writeFile(
    path.join(server.directory, 'broken/index.ts'),
    'export default () => {\n  return new Response(;\n};\n',
  );
  const failed = await reactor(server, 'functions', 'deploy', 'broken');
  expect(failed.code).not.toBe(0);
  expect(failed.stderr).toMatch(/index\.ts:2:\d+/);
  expect(await invoke('broken')).toBe(before);
});

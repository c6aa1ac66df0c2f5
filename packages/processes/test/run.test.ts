import { expect, test } from 'vitest';
import { run } from '../src/index.js';

const env = { PATH: '/usr/bin:/bin' };
const sh = (script: string) => run('/bin/sh', ['-c', script], { env });

test('tells how a program ended and what it said', async () => {
  expect(await sh('echo said; echo warned >&2; exit 3')).toEqual({ exitCode: 3, stdout: 'said\n', stderr: 'warned\n' });
  expect(await sh('kill -KILL $$')).toEqual({ exitCode: null, stdout: '', stderr: '' });
});

test('keeps the end of what a talkative program says', async () => {
  const { stdout } = await sh('i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i + 1)); done');
  expect(stdout).toHaveLength(64 * 1024);
  expect(stdout.endsWith('line 19998\nline 19999\n')).toBe(true);
});

test('gives the environment it is told, in the root folder', async () => {
  const { stdout } = await run(process.execPath, ['-p', 'JSON.stringify([process.env, process.cwd()])'], {
    env: { ONLY: 'this' },
  });
  expect(JSON.parse(stdout)).toEqual([{ ONLY: 'this' }, '/']);
});

test('a program that is not there is an error with a code', async () => {
  await expect(run('/nowhere/program', [], { env })).rejects.toMatchObject({ code: 'ENOENT' });
});

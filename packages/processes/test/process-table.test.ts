import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test, vi } from 'vitest';
import { commandLine, findOwner, isAlive, killWithChildren, processStart } from '../src/index.js';
import { supervisorName } from '../src/owner.js';
import { parentOf } from '../src/process-table.js';

/** A shell of the running test that says the pid of its own child. */
async function shellWithChild(name: string) {
  const shell = spawn('/bin/sh', ['-c', 'sleep 60 & echo $!; wait', name], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void shell.kill('SIGKILL'));
  const [line] = (await once(createInterface(shell.stdout), 'line')) as [string];
  const child = Number(line);
  onTestFinished(() => {
    if (isAlive(child)) process.kill(child, 'SIGKILL');
  });
  return { shell, pid: shell.pid ?? 0, child };
}

test('tells what a process is called and whose child it is', async () => {
  const { pid, child } = await shellWithChild('a name');
  expect(await commandLine(pid)).toContain('sleep 60 & echo $!; wait a name');
  expect(await parentOf(child)).toBe(pid);
  expect(await parentOf(pid)).toBe(process.pid);
  expect(isAlive(child)).toBe(true);
});

test('has nothing to say of a process that ended', async () => {
  const { pid } = spawnSync('true');
  expect([isAlive(pid), await commandLine(pid), await parentOf(pid), await processStart(pid)]).toEqual([
    false,
    '',
    undefined,
    undefined,
  ]);
});

test('a process keeps the time of its start, and another one has another', async () => {
  const own = await processStart(process.pid);
  expect(own).toEqual(expect.any(String));
  expect(await processStart(process.pid)).toBe(own);
  const { pid } = await shellWithChild('later');
  expect(await processStart(pid)).not.toBe(own);
});

test('finds the owner of a child by the name of its supervisor', async () => {
  const ours = await shellWithChild(supervisorName('toy', process.pid));
  expect(await findOwner('toy', ours.child)).toBe(process.pid);
  expect(await findOwner('other', ours.child)).toBeUndefined();
});

test.each([
  ['a longer pid', supervisorName('toy', Number(`${process.pid}1`))],
  ['another parent', supervisorName('toy', process.ppid)],
])('a supervisor named after %s is not ours', async (_, name) => {
  const { child } = await shellWithChild(name);
  expect(await findOwner('toy', child)).toBeUndefined();
});

test('kills a process together with its children', async () => {
  const { shell, pid, child } = await shellWithChild('both');
  const exited = once(shell, 'exit');
  await killWithChildren(pid);
  await exited;
  // The child of a dead parent is a zombie until whoever inherits it has looked.
  await vi.waitFor(async () => expect(await processStart(child)).toBeUndefined(), { timeout: 5_000, interval: 10 });
});

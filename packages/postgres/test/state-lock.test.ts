import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../testing/src/temporary-directory.js';
import {
  lockStateDirectory,
  readStateLock,
  StateDirectoryLockedError,
  StateDirectoryUnusableError,
} from '../src/index.js';

/** The pid of a process that has just ended. */
function deadPid(): number {
  return spawnSync('true').pid;
}

function leave(directory: string, file: string, pid: number, processStart = 'long ago'): void {
  writeFileSync(join(directory, file), `${pid}\n${JSON.stringify({ startedAt: '2024-01-01', processStart })}\n`);
}

test('makes the folder private and tells who holds it', async () => {
  const directory = join(await temporaryDirectory(), 'state');
  const lock = await lockStateDirectory(directory);
  expect(lock.directory).toBe(directory);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(statSync(join(directory, 'server.pid')).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(directory, 'server.pid'), 'utf8').split('\n')[0]).toBe(String(process.pid));

  const owner = await readStateLock(directory);
  expect(owner).toEqual({ pid: process.pid, startedAt: expect.stringMatching(/^\d{4}-.*Z$/) });
  await lock.update({ url: 'http://127.0.0.1:8000' });
  expect(await readStateLock(directory)).toEqual({ ...owner, url: 'http://127.0.0.1:8000' });

  await lock.release();
  await lock.release();
  expect(readdirSync(directory)).toEqual([]);
  expect(await readStateLock(directory)).toBeUndefined();
  await expect(lock.update({ url: 'http://127.0.0.1:9' })).rejects.toThrow('no longer locked');
});

test('a second server is refused with the pid and address of the first', async () => {
  const directory = await temporaryDirectory();
  const lock = await lockStateDirectory(directory);
  await lock.update({ url: 'http://127.0.0.1:8000' });
  const refusal = await lockStateDirectory(directory).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(StateDirectoryLockedError);
  expect(refusal).toMatchObject({
    owner: { pid: process.pid, url: 'http://127.0.0.1:8000' },
    message: expect.stringContaining(`pid ${process.pid} at http://127.0.0.1:8000`),
  });
  await lock.release();
  await (await lockStateDirectory(directory)).release();
});

test('what a dead server left is taken over', async () => {
  const directory = await temporaryDirectory();
  leave(directory, 'server.pid', deadPid());
  expect(await readStateLock(directory)).toBeUndefined();
  await lockStateDirectory(directory);
  expect(await readStateLock(directory)).toMatchObject({ pid: process.pid });
  expect(readdirSync(directory)).toEqual(['server.pid']);
});

test('a pid that now belongs to another process is not mistaken for the server', async () => {
  const directory = await temporaryDirectory();
  leave(directory, 'server.pid', process.pid, 'another start');
  expect(await readStateLock(directory)).toBeUndefined();
  await expect(lockStateDirectory(directory)).resolves.toMatchObject({ directory });
});

test.each(['', 'xx\n', 'no pid\n{"processStart":"now"}\n', '17\n{"cut sho', '17\nnull\n', '0\n{"processStart":"x"}\n'])(
  'a damaged lock file %j is not taken for a dead one, and goes with the server that holds it',
  async (content) => {
    const directory = await temporaryDirectory();
    const path = join(directory, 'server.pid');
    const lock = await lockStateDirectory(directory);
    writeFileSync(path, content);
    for (const attempt of [lockStateDirectory, readStateLock]) {
      const refusal = await attempt(directory).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(StateDirectoryUnusableError);
      expect(refusal).toMatchObject({ message: expect.stringContaining(`${path} is damaged`) });
    }
    expect(readFileSync(path, 'utf8')).toBe(content);
    expect(readdirSync(directory)).toEqual(['server.pid']);
    await lock.release();
    await (await lockStateDirectory(directory)).release();
  },
);

test('a lock that was lost and taken by another server is left to that one', async () => {
  const directory = await temporaryDirectory();
  const lost = await lockStateDirectory(directory);
  leave(directory, 'server.pid', process.ppid, 'another start');
  await lost.release();
  expect(readFileSync(join(directory, 'server.pid'), 'utf8').split('\n')[0]).toBe(String(process.ppid));
});

test('a starter that died while taking over is no obstacle', async () => {
  const directory = await temporaryDirectory();
  leave(directory, 'server.pid', deadPid());
  leave(directory, 'server.pid.takeover', deadPid());
  await lockStateDirectory(directory);
  expect(await readStateLock(directory)).toMatchObject({ pid: process.pid });
  expect(readdirSync(directory)).toEqual(['server.pid']);
});

test.each([
  ['a free folder', false],
  ['a folder with a stale lock', true],
])('of many starters on %s exactly one wins', async (_, stale) => {
  for (let round = 0; round < 20; round++) {
    const directory = await temporaryDirectory();
    if (stale) leave(directory, 'server.pid', deadPid());
    const starters = await Promise.allSettled(Array.from({ length: 12 }, () => lockStateDirectory(directory)));
    const refused = starters.flatMap((starter) => (starter.status === 'rejected' ? [starter.reason] : []));
    expect(refused).toHaveLength(11);
    for (const error of refused) expect(error).toBeInstanceOf(StateDirectoryLockedError);
    expect(readdirSync(directory)).toEqual(['server.pid']);
  }
});

test('a folder that cannot be used is named with the way out', async () => {
  const directory = await temporaryDirectory();
  writeFileSync(join(directory, 'file'), '');
  const refusal = lockStateDirectory(join(directory, 'file', 'state'));
  await expect(refusal).rejects.toBeInstanceOf(StateDirectoryUnusableError);
  await expect(refusal).rejects.toThrow(/file\/state cannot be used: .*\[server\] state_dir/);
});

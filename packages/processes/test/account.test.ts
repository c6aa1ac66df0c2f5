import { chown } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../../testing/src/temporary-directory.js';
import { chooseAccount, NoAccountError, run } from '../src/index.js';

const isRoot = process.getuid?.() === 0;

test('who is not root stays who they are', async () => {
  expect(await chooseAccount(['daemon'], '/', 1000)).toBeUndefined();
});

describe.runIf(isRoot)('as root', () => {
  test('takes the first candidate that exists, and a child runs under it', async () => {
    const account = await chooseAccount(['no-such-account', 'daemon', 'nobody'], '/nonexistent');
    expect(account).toMatchObject({ name: 'daemon' });
    const { stdout } = await run('/bin/sh', ['-c', 'id -u; id -g; id -G'], { env: { PATH: '/usr/bin:/bin' }, account });
    expect(stdout).toBe(`${account?.uid}\n${account?.gid}\n${account?.gid}\n`);
  });

  test('goes on with the account that owns what an earlier run left', async () => {
    const nobody = await chooseAccount(['nobody'], '/nonexistent');
    const existing = await temporaryDirectory();
    await chown(existing, nobody?.uid ?? 0, nobody?.gid ?? 0);
    expect(await chooseAccount(['daemon'], existing)).toEqual(nobody);
  });

  test('root itself is no candidate, and an owner without an entry none either', async () => {
    const existing = await temporaryDirectory();
    await chown(existing, 4_000_000, 4_000_000);
    const choice = chooseAccount(['root', 'no-such-account'], existing);
    await expect(choice).rejects.toBeInstanceOf(NoAccountError);
    await expect(choice).rejects.toThrow('none of root, no-such-account');
  });
});

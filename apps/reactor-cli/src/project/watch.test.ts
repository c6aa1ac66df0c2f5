import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { temporaryDirectory } from '@reactor/testing';
import { expect, onTestFinished, test } from 'vitest';
import { folderChanges } from './watch.js';

async function watching() {
  const folder = await temporaryDirectory();
  await mkdir(join(folder, 'src'));
  await mkdir(join(folder, 'node_modules'));
  await writeFile(join(folder, 'src', 'a.ts'), '1');
  const stopping = new AbortController();
  onTestFinished(() => stopping.abort());
  const changes = folderChanges(folder, stopping.signal);
  await changes.next();
  return { folder, changes, stopping };
}

/** Makes the change and waits until it is seen. */
async function seen(changes: AsyncGenerator<void>, make: () => Promise<unknown>): Promise<void> {
  const next = changes.next();
  await make();
  expect(await next).toMatchObject({ done: false });
}

test('sees what editors and tools do, again and again', async () => {
  const { folder, changes } = await watching();
  const at = (...path: string[]) => join(folder, ...path);
  const save = async () => {
    await writeFile(at('src', '.tmp'), 'x');
    await rename(at('src', '.tmp'), at('src', 'a.ts'));
  };
  await seen(changes, () => writeFile(at('src', 'a.ts'), '2'));
  for (let time = 0; time < 3; time++) await seen(changes, save);
  await seen(changes, () => mkdir(at('lib', 'deep'), { recursive: true }));
  await seen(changes, () => writeFile(at('lib', 'deep', 'b.ts'), '1'));
  await seen(changes, () => rm(at('lib'), { recursive: true }));
  await seen(changes, () => mkdir(at('lib', 'deep'), { recursive: true }));
  await seen(changes, () => writeFile(at('lib', 'deep', 'b.ts'), '1'));
  await seen(changes, () => rm(at('src', 'a.ts')));
});

test('takes many changes as one, keeps one that comes meanwhile, and ends when it is told', async () => {
  const { folder, changes, stopping } = await watching();
  const write = (name: string) => writeFile(join(folder, name), name);
  await seen(changes, () => Promise.all(Array.from({ length: 20 }, (_, i) => write(`${i}.ts`))));
  // While nobody waits.
  await write('meanwhile.ts');
  await changes.next();
  const next = changes.next();
  let isOver = false;
  void next.then(() => {
    isOver = true;
  });
  // Neither is what goes into a bundle at once.
  await write('.env');
  await writeFile(join(folder, 'node_modules', 'x.js'), '');
  await delay(400);
  expect(isOver).toBe(false);
  stopping.abort();
  expect(await next).toMatchObject({ done: true });
});

test('says that the folder is gone', async () => {
  const { folder, changes } = await watching();
  const next = changes.next();
  await rm(folder, { recursive: true });
  await expect(next).rejects.toThrow(`${folder} cannot be read: ENOENT`);
});

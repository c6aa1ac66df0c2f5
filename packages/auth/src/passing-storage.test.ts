import { expect, test } from 'vitest';
import { PassingStorage } from './passing-storage.js';

/** Whether Node follows promises for it; undefined where following costs nothing (Node 24). */
const isOn = (storage: PassingStorage<string>) => (storage as unknown as { enabled?: boolean }).enabled === true;

test('what runs in it at the same time finds its own, and nothing is followed after the last', async () => {
  const storage = new PassingStorage<string>();
  const open: (() => void)[] = [];
  const runs = ['first', 'second'].map((name) =>
    storage.run(name, async () => {
      await new Promise<void>((resolve) => open.push(resolve));
      return storage.getStore();
    }),
  );
  for (const [i, name] of ['first', 'second'].entries()) {
    open[i]?.();
    expect(await runs[i]).toBe(name);
  }
  expect([isOn(storage), storage.getStore()]).toEqual([false, undefined]);
});

test('a run inside of a run leaves the outer one alone', async () => {
  const storage = new PassingStorage<string>();
  const seen = await storage.run('outer', async () => {
    await storage.run('inner', async () => {});
    return storage.getStore();
  });
  expect(seen).toBe('outer');
});

test('work that is no promise, and work that fails, end it too', async () => {
  const storage = new PassingStorage<string>();
  expect(storage.run('now', (more: number) => `${storage.getStore()} ${more}`, 1)).toBe('now 1');
  const fail = () => {
    throw new Error('failed');
  };
  expect(() => storage.run('now', fail)).toThrow('failed');
  await expect(storage.run('later', async () => fail())).rejects.toThrow('failed');
  expect(isOn(storage)).toBe(false);
});

import { expect, test } from 'vitest';
import { Slots } from './slots.js';

function deferred() {
  let resolve: () => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

test('runs as many as it says, the others in turn, and refuses past the queue', async () => {
  const slots = new Slots(2, 1);
  const begun: number[] = [];
  const gates = [deferred(), deferred(), deferred()];
  const runs = gates.map((gate, i) =>
    slots.run(() => {
      begun.push(i);
      return gate.promise;
    }),
  );
  expect(begun).toEqual([0, 1]);
  await expect(slots.run(async () => {})).rejects.toMatchObject({
    code: 'too_many_requests',
    headers: { 'Retry-After': '1' },
  });
  // Work that fails gives its slot back as well.
  gates[0]?.reject(new Error('broken'));
  await expect(runs[0]).rejects.toThrow('broken');
  expect(begun).toEqual([0, 1, 2]);
  for (const gate of gates) gate.resolve();
  await Promise.all(runs.slice(1));
  await expect(slots.run(async () => 'free')).resolves.toBe('free');
});

import { ReactorError, systemClock } from '@reactor/core';
import { createFilesystemBlobStore } from '../../src/index.js';

/**
 * Prints what a blob store on `root` answers in this process.
 * @param uid the user to become first, when not empty
 */
export async function main(root: string, uid: string): Promise<void> {
  if (uid !== '') {
    process.setgroups?.([]);
    process.setgid?.(Number(uid));
    process.setuid?.(Number(uid));
  }
  const store = createFilesystemBlobStore({ root, clock: systemClock });
  const signal = AbortSignal.timeout(5_000);
  const outcome = (work: Promise<unknown>) =>
    work.then(
      () => 'ok',
      (error: unknown) => (error instanceof ReactorError ? `${error.status} ${error.code}` : String(error)),
    );
  const body = async function* (bytes: number) {
    for (let left = bytes; left > 0; left -= 100_000) yield new Uint8Array(Math.min(left, 100_000));
  };
  const small = await outcome(store.put('small', body(1_000), { maxBytes: 10_000_000 }));
  const large = await outcome(store.put('large', body(1_000_000), { maxBytes: 10_000_000 }));
  const read = await outcome(store.get('before').then((blob) => new Response(blob?.body).text()));
  const report = {
    check: await store.check(signal),
    probe: (await store.probes.find(({ name }) => name === 'fs_writable')?.run(signal))?.status,
    small,
    large,
    read,
  };
  process.stdout.write(JSON.stringify(report));
}

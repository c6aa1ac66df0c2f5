import type { Readable } from 'node:stream';

/** How often a stream that was paused goes on. */
const TICK_MS = 100;

/**
 * Reads no more than so many bytes in a second: whoever writes more finds the pipe full, and waits.
 * @param stream that is read by `data` listeners
 */
export function slowDown(stream: Readable | null | undefined, bytesPerSecond: number): void {
  const perTick = (bytesPerSecond * TICK_MS) / 1_000;
  let left = perTick;
  let timer: NodeJS.Timeout | undefined;
  const later = () => setTimeout(refill, TICK_MS).unref();
  const refill = () => {
    timer = undefined;
    left = Math.min(perTick, left + perTick);
    if (left > 0) stream?.resume();
    else timer = later();
  };
  stream?.on('data', (chunk: Buffer | string) => {
    left -= chunk.length;
    timer ??= later();
    if (left <= 0) stream.pause();
  });
  stream?.once('close', () => clearTimeout(timer));
}

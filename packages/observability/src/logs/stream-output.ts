import type { Writable } from 'node:stream';
import { type LineOutput, type LossReport, MAX_PENDING_BYTES, STALLED_MS } from './output.js';

/**
 * Writes to a stream. What it has taken and not passed on is bounded by `MAX_PENDING_BYTES`; a stream that failed or
 * ended takes nothing. A stream cannot be written out in a listener of the process's exit, a file descriptor can.
 */
export function createStreamOutput(stream: Writable, loss: LossReport): LineOutput {
  let dropping = 0;
  let broken = false;

  function takes(line: string): boolean {
    if (broken || !stream.writable || stream.writableLength + line.length > MAX_PENDING_BYTES) return false;
    try {
      stream.write(line);
      return true;
    } catch {
      // A stream whose own code throws stays in the middle of that write for ever.
      broken = true;
      return false;
    }
  }

  function write(line: string): void {
    if (!takes(line)) {
      dropping += 1;
      loss.dropped();
    } else if (dropping > 0) {
      const count = dropping;
      dropping = 0;
      loss.recovered(count);
    }
  }

  // Without a listener an error of the stream would end the process; `writable` is false from then on.
  const ignore = () => {};
  stream.on('error', ignore);

  return {
    write,
    flush: () => {},
    async close() {
      if (broken || !stream.writable) return;
      await new Promise<void>((resolve) => {
        const stalled = setTimeout(resolve, STALLED_MS);
        const done = () => {
          clearTimeout(stalled);
          resolve();
        };
        // Called after everything written before it.
        stream.write('', done);
        stream.once('close', done);
      });
    },
  };
}

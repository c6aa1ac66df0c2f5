import { writeSync } from 'node:fs';
import { type LineOutput, type LossReport, MAX_PENDING_BYTES, STALLED_MS } from './output.js';

/** Lines of one turn of the event loop are written together; more than this is written at once. A pipe takes 64 KiB. */
const BATCH_CHARS = 64 * 1024;
const RETRY_MS = 10;
/** A full disk or a vanished reader is asked again at this pace: a FIFO may get its reader back. */
const RETRY_AFTER_ERROR_MS = 1000;
/** How long a full buffer holds up the process for a reader that is only behind, before lines are dropped. */
const BACKPRESSURE_MS = 100;

type Attempt = 'done' | 'full' | 'failed';

/**
 * Writes to a file descriptor from the main thread. Where the descriptor does not block (Node opens the standard
 * streams on pipes that way) a reader that is behind makes lines wait in memory, up to `MAX_PENDING_BYTES`, and never
 * stops the server; on process exit, uncaught errors included, what waits is written first.
 */
export function createFdOutput(fd: number, loss: LossReport): LineOutput {
  let batch = '';
  let pending = Buffer.alloc(0);
  let scheduled: NodeJS.Immediate | undefined;
  let retry: NodeJS.Timeout | undefined;
  let dropping = 0;
  let closed = false;

  // Node makes a standard stream that is a pipe or a socket non-blocking when it is first looked at.
  if (fd === 1) process.stdout;
  if (fd === 2) process.stderr;

  const size = () => batch.length + pending.length;

  function attempt(): Attempt {
    for (;;) {
      if (pending.length === 0) {
        if (batch === '') return 'done';
        pending = Buffer.from(batch);
        batch = '';
      }
      try {
        const written = writeSync(fd, pending);
        if (written === 0) return 'full';
        pending = pending.subarray(written);
      } catch (error) {
        return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? 'full' : 'failed';
      }
    }
  }

  function drain(): Attempt {
    const result = attempt();
    if (result !== 'done' && retry === undefined && !closed) {
      // Not ref'd: when nothing else is left to do, the exit listener writes the rest.
      retry = setTimeout(onRetry, result === 'full' ? RETRY_MS : RETRY_AFTER_ERROR_MS).unref();
    }
    return result;
  }

  function onRetry(): void {
    retry = undefined;
    drain();
    // Half of the room, so that dropping and recovering do not alternate line by line.
    if (dropping > 0 && size() < MAX_PENDING_BYTES / 2) {
      const count = dropping;
      dropping = 0;
      loss.recovered(count);
    }
  }

  /** Waits for the other side, up to `patienceMs` without any progress and `limitMs` in all. */
  function drainWaiting(patienceMs: number, limitMs: number): void {
    const started = performance.now();
    let progressed = started;
    let left = size();
    while (drain() === 'full') {
      const now = performance.now();
      if (size() < left) {
        left = size();
        progressed = now;
      }
      if (now - progressed > patienceMs || now - started > limitMs) return;
      sleep(1);
    }
  }

  function onImmediate(): void {
    scheduled = undefined;
    if (retry === undefined) drain();
  }

  const flush = () => drainWaiting(STALLED_MS, Number.POSITIVE_INFINITY);
  process.on('exit', flush);

  return {
    write(line) {
      if (dropping > 0) {
        dropping += 1;
        loss.dropped();
        return;
      }
      if (size() + line.length > MAX_PENDING_BYTES) {
        drainWaiting(BACKPRESSURE_MS, BACKPRESSURE_MS);
        if (size() + line.length > MAX_PENDING_BYTES) {
          dropping = 1;
          loss.dropped();
          return;
        }
      }
      batch += line;
      if (closed) attempt();
      else if (batch.length >= BATCH_CHARS && retry === undefined) drain();
      else scheduled ??= setImmediate(onImmediate);
    },
    flush,
    async close() {
      flush();
      closed = true;
      clearImmediate(scheduled);
      clearTimeout(retry);
      process.off('exit', flush);
    },
  };
}

/** Blocks the thread: there is no other way to wait inside an exit listener. */
function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

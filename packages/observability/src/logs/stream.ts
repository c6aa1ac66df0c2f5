import type { LogQuery } from './query.js';
import type { LogRecord, LogRing } from './ring.js';

/** What log streams read from, and whom they tell about themselves. */
export interface LogStreamSource {
  readonly ring: LogRing;
  /** Whether streams shall end instead of waiting for more. */
  readonly ending: boolean;
  opened(): void;
  closed(): void;
  /** A reader was overtaken: `lines` left the ring before it had come to them. */
  overtaken(lines: number): void;
}

/** So much is formatted at a time, then the reader's pace decides again. */
const CHUNK_CHARS = 64 * 1024;

/**
 * The event stream of one client: the kept lines, then with `follow` the live ones.
 *
 * It holds nothing but a place in the ring, so there can be neither a hole nor a repetition between kept and live
 * lines, a slow reader costs no memory, and how far it fell behind is known. One that the ring has overtaken gets an
 * `error` event with the number of lines it missed, and its stream ends.
 */
export function createLogStream(
  source: LogStreamSource,
  query: LogQuery,
  heartbeatMs: number,
): ReadableStream<Uint8Array> {
  const { ring } = source;
  const encoder = new TextEncoder();
  let cursor = 0;
  /** Everything from here on is live. */
  let liveFrom = 0;
  let state: 'new' | 'open' | 'ended' = 'new';
  let cancelled = false;
  let stopWaiting = () => {};

  function open(): void {
    state = 'open';
    liveFrom = ring.next;
    cursor = firstWanted();
    source.opened();
  }

  function end(): void {
    if (state === 'open') source.closed();
    state = 'ended';
    stopWaiting();
  }

  function isWanted(record: LogRecord): boolean {
    return (record.sequence >= liveFrom || record.time >= query.since) && query.matches(record);
  }

  function firstWanted(): number {
    if (query.limit === Number.POSITIVE_INFINITY) return ring.first;
    let sequence = ring.next;
    for (let found = 0; found < query.limit && sequence > ring.first; ) {
      sequence -= 1;
      if (isWanted(ring.at(sequence) as LogRecord)) found += 1;
    }
    return sequence;
  }

  /** What is there to send: frames, nothing yet, or undefined at the end. */
  function collect(): string | undefined {
    if (state === 'ended') return undefined;
    if (cursor < ring.first) {
      const lost = ring.first - cursor;
      source.overtaken(lost);
      end();
      return overtakenFrame(lost);
    }
    const until = query.follow ? ring.next : liveFrom;
    let frames = '';
    for (; cursor < until && frames.length < CHUNK_CHARS; cursor++) {
      const record = ring.at(cursor) as LogRecord;
      if (isWanted(record)) frames += `event: log\nid: ${ring.bootId}-${record.sequence}\ndata: ${record.line}\n\n`;
    }
    if (frames === '' && (!query.follow || source.ending)) {
      end();
      return undefined;
    }
    return frames;
  }

  async function next(): Promise<string | undefined> {
    let due = false;
    // Of the stream and not of the last line logged: lines that are not wanted don't keep a connection alive.
    const heartbeat = setTimeout(() => {
      due = true;
      stopWaiting();
    }, heartbeatMs);
    try {
      for (;;) {
        const frames = collect();
        if (frames !== '') return frames;
        if (due) return ': heartbeat\n\n';
        await new Promise<void>((resolve) => {
          const forget = ring.onAppend(resolve);
          stopWaiting = () => {
            forget();
            resolve();
          };
        });
      }
    } finally {
      clearTimeout(heartbeat);
    }
  }

  return new ReadableStream(
    {
      // The first read and not the making of the stream opens it: the answer to a HEAD request is never read.
      async pull(controller) {
        if (state === 'new') open();
        const frames = await next();
        if (cancelled) return;
        if (frames !== undefined) controller.enqueue(encoder.encode(frames));
        else controller.close();
      },
      cancel() {
        cancelled = true;
        end();
      },
    },
    { highWaterMark: 0 },
  );
}

function overtakenFrame(lost: number): string {
  const message = 'The reader was too slow: lines left the memory before it had read them. Connect again to go on.';
  return `event: error\ndata: ${JSON.stringify({ code: 'reader_too_slow', message, lost })}\n\n`;
}

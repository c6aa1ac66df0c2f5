import { formatChunk, type LogChunk, type LogFeed } from './feed.js';
import type { LogQuery } from './query.js';
import type { LogRecord } from './ring.js';

const encoder = new TextEncoder();
const HEARTBEAT = encoder.encode(': heartbeat\n\n');

/**
 * The event stream of one client: the kept lines, then with `follow` the live ones.
 *
 * It holds nothing but a place in the ring, so there can be neither a hole nor a repetition between kept and live
 * lines, a slow reader costs no memory, and how far it fell behind is known. One that the ring has overtaken gets an
 * `error` event with the number of lines it missed, and its stream ends.
 */
export function createLogStream(feed: LogFeed, query: LogQuery, heartbeatMs: number): ReadableStream<Uint8Array> {
  const { source } = feed;
  const { ring } = source;
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

  /** Of kept lines; live ones have no date to begin with. */
  function isWanted(record: LogRecord): boolean {
    return record.time >= query.since && query.matches(record);
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

  function take({ bytes, next }: LogChunk): Uint8Array {
    cursor = next;
    return bytes;
  }

  /** What is there to send: events, nothing yet, or undefined at the end. */
  function collect(): Uint8Array | undefined {
    if (state === 'ended') return undefined;
    if (cursor < ring.first) {
      const lost = ring.first - cursor;
      source.overtaken(lost);
      end();
      return overtakenFrame(lost);
    }
    if (cursor < liveFrom) {
      const kept = take(formatChunk(ring, cursor, liveFrom, isWanted));
      if (kept.length > 0) return kept;
    }
    if (query.follow) {
      const live = take(feed.live(cursor, query));
      if (live.length > 0 || !source.ending) return live;
    }
    end();
    return undefined;
  }

  async function next(): Promise<Uint8Array | undefined> {
    let due = false;
    // Of the stream and not of the last line logged: lines that are not wanted don't keep a connection alive.
    const heartbeat = setTimeout(() => {
      due = true;
      stopWaiting();
    }, heartbeatMs);
    try {
      for (;;) {
        const events = collect();
        if (events === undefined || events.length > 0) return events;
        if (due) return HEARTBEAT;
        await new Promise<void>((resolve) => {
          const forget = feed.wait(cursor, resolve);
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
        const events = await next();
        if (cancelled) return;
        if (events !== undefined) controller.enqueue(events);
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

function overtakenFrame(lost: number): Uint8Array {
  const message = 'The reader was too slow: lines left the memory before it had read them. Connect again to go on.';
  return encoder.encode(`event: error\ndata: ${JSON.stringify({ code: 'reader_too_slow', message, lost })}\n\n`);
}

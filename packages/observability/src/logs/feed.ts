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

/** Events of consecutive lines, formatted. */
export interface LogChunk {
  /** UTF-8; empty when none of the lines is wanted. Of several readers: not to be changed. */
  readonly bytes: Uint8Array;
  /** The sequence to go on with. */
  readonly next: number;
}

/**
 * Live lines for all followers together: what is written within a tenth of a second is formatted once for all that want
 * the same, and each gets it as one chunk. A reader by itself would cost as much for every line as for a chunk.
 */
export interface LogFeed {
  readonly source: LogStreamSource;
  /** The lines from `cursor` on that may be sent by now, or the first part of them. */
  live(cursor: number, query: LogQuery): LogChunk;
  /**
   * Calls `wake` once, in a later turn of the event loop, when there may be more from `cursor` on, or when streams shall
   * end.
   * @returns takes the wish back
   */
  wait(cursor: number, wake: () => void): () => void;
}

/** A person sees no difference to at once. The first line after a pause of this length does go out at once. */
const PACE_MS = 100;
/** Followers that write in one turn of the event loop; between the turns others are answered. */
const FOLLOWERS_A_TURN = 4;
/** So much is formatted at a time, then the reader's pace decides again. */
const CHUNK_CHARS = 64 * 1024;
/** Kept only while followers are being woken. One each suffices unless many follow with filters of their own. */
const MAX_SHARED_CHUNKS = 64;
const NOTHING = new Uint8Array(0);

export function createLogFeed(source: LogStreamSource): LogFeed {
  const { ring } = source;
  /** Live lines before this one may be sent. */
  let published = ring.next;
  let pause: NodeJS.Timeout | undefined;
  let forgetAppend: (() => void) | undefined;
  const waiting = new Set<() => void>();
  /** Woken a few at a time. */
  const due = new Set<() => void>();
  let waking = false;
  const shared = new Map<string, LogChunk>();

  function publish(): void {
    published = ring.next;
    for (const wake of waiting) due.add(wake);
    waiting.clear();
    clearTimeout(pause);
    pause = setTimeout(onPauseOver, PACE_MS).unref();
    if (waking) return;
    waking = true;
    setImmediate(wakeSome);
  }

  function onPauseOver(): void {
    pause = undefined;
    if (waiting.size > 0 && ring.next > published) publish();
  }

  function wakeSome(): void {
    if (due.size === 0) {
      waking = false;
      shared.clear();
      return;
    }
    let woken = 0;
    for (const wake of due) {
      due.delete(wake);
      wake();
      woken += 1;
      if (woken === FOLLOWERS_A_TURN) break;
    }
    setImmediate(wakeSome);
  }

  /** So much was written since that waiting on would let the ring overtake its readers. */
  function isFilling(): boolean {
    const bytesPerRecord = ring.bytes / (ring.next - ring.first);
    return (ring.next - published) * bytesPerRecord > ring.limitBytes / 4;
  }

  function onAppend(): void {
    forgetAppend = undefined;
    if (pause === undefined || source.ending || isFilling()) publish();
    else listen();
  }

  function listen(): void {
    if (waiting.size > 0) forgetAppend ??= ring.onAppend(onAppend);
  }

  return {
    source,
    live(cursor, query) {
      const until = source.ending ? ring.next : published;
      if (cursor >= until) return { bytes: NOTHING, next: cursor };
      const key = `${cursor} ${until} ${query.selection}`;
      const known = shared.get(key);
      if (known !== undefined) return known;
      const chunk = formatChunk(ring, cursor, until, query.matches);
      if (waking && shared.size < MAX_SHARED_CHUNKS) shared.set(key, chunk);
      return chunk;
    },
    wait(cursor, wake) {
      waiting.add(wake);
      // Written while nobody waited.
      if (pause === undefined && ring.next > cursor) publish();
      else listen();
      return () => {
        waiting.delete(wake);
        due.delete(wake);
        if (waiting.size > 0) return;
        forgetAppend?.();
        forgetAppend = undefined;
      };
    },
  };
}

const encoder = new TextEncoder();

/** Events of the wanted lines with sequences from `from` to before `until`, or of the first of them. */
export function formatChunk(
  ring: LogRing,
  from: number,
  until: number,
  isWanted: (record: LogRecord) => boolean,
): LogChunk {
  let frames = '';
  let next = from;
  for (; next < until && frames.length < CHUNK_CHARS; next++) {
    const record = ring.at(next) as LogRecord;
    if (isWanted(record)) frames += `event: log\nid: ${ring.bootId}-${record.sequence}\ndata: ${record.line}\n\n`;
  }
  return { bytes: encoder.encode(frames), next };
}

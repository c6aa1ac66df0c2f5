import type { LogLevel } from '@reactor/core';

/** One line as it was written, with what selecting it takes. */
export interface LogRecord {
  /** Counts up from 1 in this process, without holes. */
  readonly sequence: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly level: LogLevel;
  readonly target: string;
  /** The JSON of the line, byte for byte as on the destination, without the newline. */
  readonly line: string;
}

/** Recent records, bounded in bytes. A reader keeps a sequence number as its cursor; nothing is queued per reader. */
export interface LogRing {
  /** Begins every event id, `<boot>-<sequence>`. */
  readonly bootId: string;
  /** Sequence of the oldest record kept; that of the next one when there is none. */
  readonly first: number;
  /** Sequence the next record will get. */
  readonly next: number;
  /** Bytes held, an estimate for each record's own cost included. */
  readonly bytes: number;
  /** The record with this sequence, when it is still kept. */
  at(sequence: number): LogRecord | undefined;
  /**
   * Calls `wake` once, in a later turn of the event loop, when a record after this call was appended.
   * @returns takes the wish back
   */
  onAppend(wake: () => void): () => void;
}

/** The ring as its one writer sees it. */
export interface WritableLogRing extends LogRing {
  append(record: Omit<LogRecord, 'sequence'>): void;
  /** Wakes those that wait although there is no new record. */
  wake(): void;
}

/** Heap per record beyond the characters of its line; 140 measured on Node 20 with 100 000 access lines. */
const RECORD_OVERHEAD_BYTES = 144;

/**
 * Keeps the newest records whose bytes fit `limitBytes`, and always the newest one.
 * @param limitBytes bytes of UTF-8 plus a fixed cost per record
 */
export function createLogRing(limitBytes: number, bootId: string): WritableLogRing {
  const records: (LogRecord | undefined)[] = [];
  // Index of the oldest; the holes before it are cut off once they are the larger part.
  let head = 0;
  let first = 1;
  let bytes = 0;
  let waiting = new Set<() => void>();
  let scheduled = false;

  function dropOldest(): void {
    const oldest = records[head] as LogRecord;
    bytes -= cost(oldest.line);
    records[head] = undefined;
    head += 1;
    first += 1;
    if (head > 1024 && head > records.length / 2) {
      records.splice(0, head);
      head = 0;
    }
  }

  // One wake-up per turn, however many lines it logged.
  function wakeAll(): void {
    scheduled = false;
    const woken = waiting;
    waiting = new Set();
    for (const wake of woken) wake();
  }

  return {
    bootId,
    get first() {
      return first;
    },
    get next() {
      return first + records.length - head;
    },
    get bytes() {
      return bytes;
    },
    at: (sequence) => (sequence < first ? undefined : records[head + sequence - first]),
    append({ time, level, target, line }) {
      records.push({ sequence: first + records.length - head, time, level, target, line });
      bytes += cost(line);
      while (bytes > limitBytes && records.length - head > 1) dropOldest();
      if (waiting.size > 0 && !scheduled) {
        scheduled = true;
        setImmediate(wakeAll);
      }
    },
    wake: wakeAll,
    onAppend(wake) {
      waiting.add(wake);
      return () => {
        waiting.delete(wake);
      };
    },
  };
}

function cost(line: string): number {
  return Buffer.byteLength(line) + RECORD_OVERHEAD_BYTES;
}

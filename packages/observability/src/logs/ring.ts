import type { LogLevel } from '@reactor/core';

/** One line as it was written, with what selecting it takes. Good until the next line is appended. */
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
  readonly limitBytes: number;
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

/** Four entries in arrays of a block. */
const RECORD_OVERHEAD_BYTES = 32;
const MAX_BLOCK_BYTES = 64 * 1024;
/** The oldest records go a block at a time, so a small ring has small blocks. */
const BLOCKS = 16;

/** Lines one after the other as UTF-8. Bytes and arrays outlive the records: what is written for each makes no garbage. */
interface Block {
  readonly buffer: Buffer;
  used: number;
  /** Sequence of its first record. */
  first: number;
  count: number;
  readonly starts: number[];
  readonly times: number[];
  readonly levels: LogLevel[];
  readonly targets: string[];
}

/**
 * Keeps the newest records whose bytes fit `limitBytes`, and always the newest one.
 * @param limitBytes bytes of UTF-8 plus a fixed cost per record
 */
export function createLogRing(limitBytes: number, bootId: string): WritableLogRing {
  const blockBytes = Math.min(MAX_BLOCK_BYTES, Math.ceil(limitBytes / BLOCKS));
  const blocks: Block[] = [];
  let newest: Block | undefined;
  let first = 1;
  let next = 1;
  let bytes = 0;
  let waiting = new Set<() => void>();
  let scheduled = false;

  /** @returns the block, for its memory to be used again */
  function dropOldest(): Block | undefined {
    const oldest = blocks.shift() as Block;
    bytes -= oldest.buffer.length + oldest.count * RECORD_OVERHEAD_BYTES;
    first += oldest.count;
    return oldest.buffer.length === blockBytes ? oldest : undefined;
  }

  function addBlock(lineBytes: number): Block {
    const size = Math.max(blockBytes, lineBytes);
    let spare: Block | undefined;
    while (blocks.length > 0 && bytes + size > limitBytes) spare = dropOldest() ?? spare;
    const block = spare !== undefined && size === blockBytes ? spare : emptyBlock(size);
    block.used = 0;
    block.first = next;
    block.count = 0;
    blocks.push(block);
    bytes += size;
    return block;
  }

  function blockWithRoom(line: string): Block {
    const room = newest === undefined ? 0 : newest.buffer.length - newest.used;
    // UTF-8 takes at most three bytes for a unit of UTF-16; counting them exactly is rarely needed.
    if (newest !== undefined && line.length * 3 <= room) return newest;
    const lineBytes = Buffer.byteLength(line);
    return newest !== undefined && lineBytes <= room ? newest : addBlock(lineBytes);
  }

  /** The last block that begins at or before `sequence`. */
  function blockOf(sequence: number): Block {
    let low = 0;
    let high = blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((blocks[middle] as Block).first <= sequence) low = middle;
      else high = middle - 1;
    }
    return blocks[low] as Block;
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
    limitBytes,
    get first() {
      return first;
    },
    get next() {
      return next;
    },
    get bytes() {
      return bytes;
    },
    at: (sequence) => (sequence < first || sequence >= next ? undefined : new Kept(blockOf(sequence), sequence)),
    append({ time, level, target, line }) {
      newest = blockWithRoom(line);
      const index = newest.count;
      newest.starts[index] = newest.used;
      newest.times[index] = time;
      newest.levels[index] = level;
      newest.targets[index] = target;
      newest.count += 1;
      newest.used += newest.buffer.write(line, newest.used);
      next += 1;
      bytes += RECORD_OVERHEAD_BYTES;
      while (bytes > limitBytes && blocks.length > 1) dropOldest();
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

function emptyBlock(size: number): Block {
  const buffer = Buffer.allocUnsafeSlow(size);
  return { buffer, used: 0, first: 0, count: 0, starts: [], times: [], levels: [], targets: [] };
}

/** Decodes its line only when somebody looks at it. */
class Kept implements LogRecord {
  readonly sequence: number;
  readonly #block: Block;
  readonly #index: number;

  constructor(block: Block, sequence: number) {
    this.sequence = sequence;
    this.#block = block;
    this.#index = sequence - block.first;
  }

  get time(): number {
    return this.#block.times[this.#index] as number;
  }
  get level(): LogLevel {
    return this.#block.levels[this.#index] as LogLevel;
  }
  get target(): string {
    return this.#block.targets[this.#index] as string;
  }
  get line(): string {
    const { buffer, starts, count, used } = this.#block;
    const end = this.#index + 1 < count ? starts[this.#index + 1] : used;
    return buffer.toString('utf8', starts[this.#index], end);
  }
}

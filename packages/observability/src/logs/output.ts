/** Where formatted lines go. */
export interface LineOutput {
  /** Never throws. A line that finds no room is lost and reported. */
  write(line: string): void;
  /** Writes out what is buffered before it returns, as far as the other side takes it. */
  flush(): void;
  /** Flushes, and gives up timers and listeners. Lines written later go out one by one. */
  close(): Promise<void>;
}

/** What an output tells about lines it had no room for. */
export interface LossReport {
  /** One line was lost. */
  dropped(): void;
  /** There is room again, after `count` lost lines. */
  recovered(count: number): void;
}

/**
 * Most bytes that wait for a destination that takes none: some 20 000 lines, seconds of a busy server's log, and small
 * beside its memory.
 */
export const MAX_PENDING_BYTES = 4 * 1024 * 1024;

/** How long the end of the process waits for a reader that takes nothing; by then it has stopped. */
export const STALLED_MS = 5000;

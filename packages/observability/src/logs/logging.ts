import type { Writable } from 'node:stream';
import type { Clock, Logger, MetricsContributor } from '@reactor/core';
import type { LogStreamSource } from './feed.js';

/** How lines look on the destination. The log stream always has the JSON form. */
export type LogFormat = 'json' | 'pretty';

export interface LoggingOptions {
  /** Which lines are written, in the grammar of `parseFilter`. */
  readonly filter: string;
  /** Default: `pretty` when the destination is a terminal, else `json`. */
  readonly fmt?: LogFormat;
  /** Colour in the pretty form. Default: when the destination is a terminal. */
  readonly color?: boolean;
  /** How many bytes of recent lines are kept for the log stream. Default 4 MiB, at least 64 KiB. */
  readonly ringBytes?: number;
  /** A file descriptor or a stream. Default 1, standard output. */
  readonly destination?: Writable | number;
  readonly clock: Clock;
  /** Tells the event ids of this process from those of the one before. Default: random. */
  readonly bootId?: string;
}

/** The log of one process: loggers in, lines on the destination and in the memory ring out. */
export interface Logging {
  /** @param target `reactor_<capability>`, with `::part` for a part of it */
  logger(target: string): Logger;
  /** The filter in force, as text. */
  readonly filter: string;
  /**
   * Replaces the filter for every logger, those handed out included.
   * @throws SyntaxError naming the bad directive; the old filter stays
   */
  setFilter(text: string): void;
  /** The recent lines in memory and the streams that read them; for `logRoutes`. */
  readonly streams: LogStreamSource;
  readonly clock: Clock;
  readonly metrics: MetricsContributor;
  /** Writes out what is buffered before it returns. Happens by itself when the process exits. */
  flush(): void;
  /** Ends the open log streams after what they still have to send; the first step of a shutdown. */
  endStreams(): void;
  /** Ends the streams and flushes. Lines logged afterwards are still written, one by one. Safe twice. */
  close(): Promise<void>;
}

import { LOG_LEVELS, type LogLevel } from '@reactor/core';
import { pino } from 'pino';
import { createTimestamps } from './timestamp.js';

/** When a line was written, and where it comes from. */
export interface LineOrigin {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly level: LogLevel;
  readonly target: string;
}

/** What a line is made of. `fields` holds plain JSON values only. */
export interface LineParts extends LineOrigin {
  readonly fields: Readonly<Record<string, unknown>>;
}

const NOTHING = {};
/** Levels as a line names them. */
export const LEVEL_NAMES = Object.fromEntries(LOG_LEVELS.map((level) => [level, level.toUpperCase()])) as Record<
  LogLevel,
  string
>;

/**
 * Formats lines `{"timestamp":"…Z","level":"INFO","target":"reactor_data","fields":{"message":"…",…}}` with pino and
 * hands each to `write`, newline included, before it returns.
 */
export function createLineWriter(write: (line: string, parts: LineParts) => void): (parts: LineParts) => void {
  const start: LineParts = { time: 0, level: 'info', target: '', fields: {} };
  let current = start;
  const timestamp = createTimestamps();

  function header(): string {
    return `"timestamp":"${timestamp(current.time)}","level":"${LEVEL_NAMES[current.level]}","target":${JSON.stringify(current.target)}`;
  }

  const logger = pino(
    {
      base: null,
      // The filter has decided before pino is asked.
      level: 'trace',
      messageKey: 'message',
      nestedKey: 'fields',
      // pino puts the level before the time; lines that begin with the time can be merged and sorted as text.
      formatters: { level: () => ({}) },
      timestamp: header,
      // Handed over here and not as an argument, of which pino would take one with `method`, `headers` and `socket` for
      // a request and replace it.
      mixin: () => current.fields as object,
      mixinMergeStrategy: (_nothing, fields) => fields,
      // Errors are plain values by now; the default serializer would rewrite whatever looks like one.
      serializers: { err: (value: unknown) => value },
    },
    { write: (line: string) => write(line, current) },
  );

  return (parts) => {
    current = parts;
    logger[parts.level](NOTHING);
  };
}

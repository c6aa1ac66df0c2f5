import type { Logger, LogLevel } from '@reactor/core';
import { LEVEL_NAMES } from './line.js';
import { isPlainText } from './redact.js';
import { createTimestamps } from './timestamp.js';

/** What an access line says of a request that was answered. */
export interface AccessEntry {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly status: number;
  readonly durationMs: number;
  /** Of the error it was answered with. */
  readonly code?: string | undefined;
  readonly requestId: string;
  /** The user who called. */
  readonly sub?: string | undefined;
  readonly traceId?: string | undefined;
  /** The client left before it had the whole answer. */
  readonly aborted?: boolean;
  /** What else its route says. */
  readonly fields?: Readonly<Record<string, string | number | boolean>> | undefined;
}

/** Writes the access lines of one target. */
export interface AccessLog {
  /** Whether a line of this level would be written; spares the work of collecting the entry. */
  isEnabled(level: LogLevel): boolean;
  write(level: LogLevel, entry: AccessEntry): void;
}

/** The message of every access line. */
export const ACCESS_MESSAGE = 'request completed';

/** An access log that hands each entry to a logger, field by field. */
export function accessLogOn(logger: Logger): AccessLog {
  return {
    isEnabled: (level) => logger.isEnabled(level),
    write: (level, { method, path, status, durationMs, code, requestId, sub, traceId, aborted, fields }) =>
      logger[level](ACCESS_MESSAGE, {
        method,
        path,
        status,
        duration_ms: roundedMs(durationMs),
        ...(code === undefined ? undefined : { code }),
        request_id: requestId,
        ...(sub === undefined ? undefined : { sub }),
        ...(traceId === undefined ? undefined : { trace_id: traceId }),
        ...(aborted ? { aborted } : undefined),
        ...fields,
      }),
  };
}

/**
 * The access line of an entry, without the newline.
 * @returns undefined for an entry with a text to redact, escape or cut, and for one without numbers
 */
export type AccessFormat = (time: number, level: LogLevel, entry: AccessEntry) => string | undefined;

/**
 * Writes by hand what the logger would write for the same entry: most lines of a server are access lines, and most of
 * those have nothing that needs a closer look.
 */
export function createAccessFormat(target: string): AccessFormat {
  const timestamp = createTimestamps();
  const message = `,"target":${JSON.stringify(target)},"fields":{"message":"${ACCESS_MESSAGE}","method":"`;

  return (time, level, { method, path, status, durationMs, code, requestId, sub, traceId, aborted, fields }) => {
    if (!isPlainText(path) || !isPlainText(method) || !isPlainText(requestId)) return undefined;
    const duration = roundedMs(durationMs);
    if (!Number.isFinite(status) || !Number.isFinite(duration)) return undefined;
    let line = `{"timestamp":"${timestamp(time)}","level":"${LEVEL_NAMES[level]}"${message}${method}","path":"${path}","status":${status},"duration_ms":${duration}`;
    if (code !== undefined) {
      if (!isPlainText(code)) return undefined;
      line += `,"code":"${code}"`;
    }
    line += `,"request_id":"${requestId}"`;
    if (sub !== undefined) {
      if (!isPlainText(sub)) return undefined;
      line += `,"sub":"${sub}"`;
    }
    if (traceId !== undefined) {
      if (!isPlainText(traceId)) return undefined;
      line += `,"trace_id":"${traceId}"`;
    }
    if (aborted) line += ',"aborted":true';
    for (const name in fields) {
      const value = fields[name] as string | number | boolean;
      if (typeof value === 'string' ? !isPlainText(value) : typeof value === 'number' && !Number.isFinite(value))
        return undefined;
      line += typeof value === 'string' ? `,"${name}":"${value}"` : `,"${name}":${value}`;
    }
    return `${line}}}`;
  };
}

function roundedMs(durationMs: number): number {
  return Math.round(durationMs * 1000) / 1000;
}

import type { LogFields, Logger, LogLevel } from '@reactor/core';

/** A line as it was given to a logger, with what was bound to it. */
export interface RecordedLine {
  readonly level: LogLevel;
  readonly target: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** A logger that keeps its lines. Its target is `reactor_server` until another is asked for. */
export function recordingLogger(): { readonly logger: Logger; readonly lines: readonly RecordedLine[] } {
  const lines: RecordedLine[] = [];
  const loggerOf = (target: string, bound: LogFields): Logger => {
    const log = (level: LogLevel) => (message: string, fields?: LogFields) => {
      lines.push({ level, target, message, fields: { ...bound, ...fields } });
    };
    return {
      trace: log('trace'),
      debug: log('debug'),
      info: log('info'),
      warn: log('warn'),
      error: log('error'),
      isEnabled: () => true,
      with: (fields) => loggerOf(target, { ...bound, ...fields }),
      target: (other) => loggerOf(other, bound),
    };
  };
  return { logger: loggerOf('reactor_server', {}), lines };
}

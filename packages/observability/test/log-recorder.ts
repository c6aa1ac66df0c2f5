import type { LogFields, Logger, LogLevel } from '@reactor/core';

export interface RecordedLine {
  readonly level: LogLevel;
  readonly target: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** A Logger that keeps its lines. */
export function recordLogs(): { readonly logger: Logger; readonly lines: RecordedLine[] } {
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

import type { LogFields, Logger, LogLevel } from '@reactor/core';

/** The app's own logger behind Reactor's interface: one line of JSON per call, on standard error. */
export function createLogger(target: string, fixed: LogFields = {}): Logger {
  const write =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      const { error, ...rest } = fields;
      const failure = error === undefined ? {} : { error: error instanceof Error ? error.stack : String(error) };
      console.error(JSON.stringify({ level, target, message, ...fixed, ...rest, ...failure }));
    };
  return {
    trace: () => {},
    debug: () => {},
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    isEnabled: (level) => level !== 'trace' && level !== 'debug',
    with: (fields) => createLogger(target, { ...fixed, ...fields }),
    target: (other) => createLogger(other, fixed),
  };
}

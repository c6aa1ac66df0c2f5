export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Fields of a log line. An `error` field that holds an Error is written with its stack and causes. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes lines of one target (`reactor_storage`). The message is a constant; what varies goes into the fields. */
export interface Logger {
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** Whether a line of this level would be written; spares the work of building its fields. */
  isEnabled(level: LogLevel): boolean;
  /** The same target with fields added to every line; they are read when the first one is written. */
  with(fields: LogFields): Logger;
  /** Another target (`reactor_storage::sweep`), same destination. */
  target(target: string): Logger;
}

/** For a capability mounted where nobody wants its log lines. */
export const silentLogger: Logger = {
  trace: () => {},
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  isEnabled: () => false,
  with: () => silentLogger,
  target: () => silentLogger,
};

import { LOG_LEVELS, type LogFields, type Logger, type LogLevel } from '@reactor/core';
import type { LogFilter } from './filter.js';
import { addFields, type PlainFields } from './plain.js';

/** Where the loggers of one process meet. */
export interface LoggerCore {
  /** Replaced as a whole; loggers notice by its identity. */
  filter: LogFilter;
  /** @param bound plain already */
  write(level: LogLevel, target: string, message: string, bound: PlainFields, fields: LogFields | undefined): void;
}

const TRACE = LOG_LEVELS.indexOf('trace');
const DEBUG = LOG_LEVELS.indexOf('debug');
const INFO = LOG_LEVELS.indexOf('info');
const WARN = LOG_LEVELS.indexOf('warn');
const ERROR = LOG_LEVELS.indexOf('error');

/** A target and what the filter says of it, asked once per filter: a disabled call is two comparisons. */
class Scope {
  readonly target: string;
  readonly #core: LoggerCore;
  #filter: LogFilter | undefined;
  #threshold = 0;

  constructor(core: LoggerCore, target: string) {
    this.#core = core;
    this.target = target;
  }

  enabled(rank: number): boolean {
    const { filter } = this.#core;
    if (filter !== this.#filter) {
      this.#filter = filter;
      this.#threshold = filter.threshold(this.target);
    }
    return rank >= this.#threshold;
  }
}

class TargetLogger implements Logger {
  readonly #core: LoggerCore;
  readonly #scope: Scope;
  readonly #bound: PlainFields;

  constructor(core: LoggerCore, scope: Scope, bound: PlainFields) {
    this.#core = core;
    this.#scope = scope;
    this.#bound = bound;
  }

  trace(message: string, fields?: LogFields): void {
    if (this.#scope.enabled(TRACE)) this.#core.write('trace', this.#scope.target, message, this.#bound, fields);
  }
  debug(message: string, fields?: LogFields): void {
    if (this.#scope.enabled(DEBUG)) this.#core.write('debug', this.#scope.target, message, this.#bound, fields);
  }
  info(message: string, fields?: LogFields): void {
    if (this.#scope.enabled(INFO)) this.#core.write('info', this.#scope.target, message, this.#bound, fields);
  }
  warn(message: string, fields?: LogFields): void {
    if (this.#scope.enabled(WARN)) this.#core.write('warn', this.#scope.target, message, this.#bound, fields);
  }
  error(message: string, fields?: LogFields): void {
    if (this.#scope.enabled(ERROR)) this.#core.write('error', this.#scope.target, message, this.#bound, fields);
  }
  isEnabled(level: LogLevel): boolean {
    return this.#scope.enabled(LOG_LEVELS.indexOf(level));
  }
  with(fields: LogFields): Logger {
    return new TargetLogger(this.#core, this.#scope, addFields({ ...this.#bound }, fields));
  }
  target(target: string): Logger {
    return new TargetLogger(this.#core, new Scope(this.#core, target), this.#bound);
  }
}

export function createTargetLogger(core: LoggerCore, target: string): Logger {
  return new TargetLogger(core, new Scope(core, target), {});
}

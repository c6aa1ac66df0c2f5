import { type Clock, LOG_LEVELS, type LogFields, type Logger, type LogLevel } from '@reactor/core';
import { type AccessLog, accessLogOn, createAccessFormat } from './access-log.js';
import type { LogFilter } from './filter.js';
import type { LineOrigin } from './line.js';
import { addFields, type PlainFields } from './plain.js';

/** Where the loggers of one process meet. */
export interface LoggerCore {
  /** Replaced as a whole; loggers notice by its identity. */
  filter: LogFilter;
  /** @param bound plain already */
  write(level: LogLevel, target: string, message: string, bound: PlainFields, fields: LogFields | undefined): void;
  /** Writes an access line that is JSON already; absent where the destination has another form. */
  readonly writeAccess?: ((line: string, origin: LineOrigin, path: string) => void) | undefined;
  readonly clock: Clock;
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
  #plain: PlainFields;
  /** Not yet among the plain ones: one is made for every request, and few of them write a line. */
  #added: LogFields | undefined;

  constructor(core: LoggerCore, scope: Scope, plain: PlainFields, added: LogFields | undefined) {
    this.#core = core;
    this.#scope = scope;
    this.#plain = plain;
    this.#added = added;
  }

  trace(message: string, fields?: LogFields): void {
    if (this.#scope.enabled(TRACE)) this.#write('trace', message, fields);
  }
  debug(message: string, fields?: LogFields): void {
    if (this.#scope.enabled(DEBUG)) this.#write('debug', message, fields);
  }
  info(message: string, fields?: LogFields): void {
    if (this.#scope.enabled(INFO)) this.#write('info', message, fields);
  }
  warn(message: string, fields?: LogFields): void {
    if (this.#scope.enabled(WARN)) this.#write('warn', message, fields);
  }
  error(message: string, fields?: LogFields): void {
    if (this.#scope.enabled(ERROR)) this.#write('error', message, fields);
  }
  isEnabled(level: LogLevel): boolean {
    return this.#scope.enabled(LOG_LEVELS.indexOf(level));
  }
  with(fields: LogFields): Logger {
    return new TargetLogger(this.#core, this.#scope, this.#bound(), fields);
  }
  target(target: string): Logger {
    return new TargetLogger(this.#core, new Scope(this.#core, target), this.#bound(), undefined);
  }

  accessLog(): AccessLog {
    const core = this.#core;
    const scope = this.#scope;
    const { writeAccess } = core;
    const ordinary = accessLogOn(this);
    if (writeAccess === undefined || Object.keys(this.#bound()).length > 0) return ordinary;
    const format = createAccessFormat(scope.target);
    return {
      isEnabled: ordinary.isEnabled,
      write(level, entry) {
        if (!ordinary.isEnabled(level)) return;
        const time = core.clock.now();
        const line = format(time, level, entry);
        if (line === undefined) ordinary.write(level, entry);
        else writeAccess(line, { time, level, target: scope.target }, entry.path);
      },
    };
  }

  #write(level: LogLevel, message: string, fields: LogFields | undefined): void {
    this.#core.write(level, this.#scope.target, message, this.#bound(), fields);
  }

  #bound(): PlainFields {
    if (this.#added !== undefined) {
      this.#plain = addFields({ ...this.#plain }, this.#added);
      this.#added = undefined;
    }
    return this.#plain;
  }
}

export function createTargetLogger(core: LoggerCore, target: string): Logger {
  return new TargetLogger(core, new Scope(core, target), {}, undefined);
}

/**
 * The access log under the target of `logger`: quick when the logger comes from `createLogging`, by way of `logger` when
 * it is anybody's own. What it writes is the same.
 */
export function createAccessLog(logger: Logger): AccessLog {
  return logger instanceof TargetLogger ? logger.accessLog() : accessLogOn(logger);
}

import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { LOG_LEVELS, type LogFields, type Logger, type LogLevel, metricsContributor } from '@reactor/core';
import { parseFilter } from './filter.js';
import { createLineWriter } from './line.js';
import type { Logging, LoggingOptions } from './logging.js';
import { createLogRing } from './ring.js';

const DEFAULT_RING_BYTES = 4 * 1024 * 1024;

/** Sets up the log of a process. Several in one process are fine. */
export function createLogging(options: LoggingOptions): Logging {
  let filter = parseFilter(options.filter);
  const ring = createLogRing(options.ringBytes ?? DEFAULT_RING_BYTES, options.bootId ?? randomBytes(6).toString('hex'));
  const destination = options.destination ?? 1;
  const write = createLineWriter((line, { time, level, target }) => {
    if (typeof destination === 'number') writeSync(destination, line);
    else destination.write(line);
    ring.append({ time, level, target, line: line.slice(0, -1) });
  });

  function loggerOf(target: string, bound: LogFields): Logger {
    const log = (level: LogLevel) => (message: string, fields?: LogFields) => {
      if (!filter.enabled(target, level)) return;
      write({ time: options.clock.now(), level, target, fields: { message, ...bound, ...fields } });
    };
    return {
      trace: log('trace'),
      debug: log('debug'),
      info: log('info'),
      warn: log('warn'),
      error: log('error'),
      isEnabled: (level) => LOG_LEVELS.indexOf(level) >= filter.threshold(target),
      with: (fields) => loggerOf(target, { ...bound, ...fields }),
      target: (other) => loggerOf(other, bound),
    };
  }

  return {
    logger: (target) => loggerOf(target, {}),
    get filter() {
      return filter.text;
    },
    setFilter(text) {
      filter = parseFilter(text);
    },
    ring,
    metrics: metricsContributor([]),
    flush: () => {},
    endStreams: () => {},
    close: async () => {},
  };
}

import { randomBytes } from 'node:crypto';
import { isatty } from 'node:tty';
import type { LogLevel } from '@reactor/core';
import { ACCESS_MESSAGE } from './access-log.js';
import { createFdOutput } from './fd-output.js';
import { parseFilter } from './filter.js';
import { createLineWriter, type LineOrigin } from './line.js';
import { createTargetLogger, type LoggerCore } from './logger.js';
import type { Logging, LoggingOptions } from './logging.js';
import { createLogMetrics } from './metrics.js';
import type { LossReport } from './output.js';
import { addFields, plainMessage } from './plain.js';
import { formatPretty } from './pretty.js';
import { createLogRing } from './ring.js';
import { createStreamOutput } from './stream-output.js';

const DEFAULT_RING_BYTES = 4 * 1024 * 1024;
/** Room for the longest line there can be. */
const MIN_RING_BYTES = 64 * 1024;

/**
 * Sets up the log of a process. Several in one process are fine.
 * @throws SyntaxError for a bad filter directive, RangeError for too small a ring
 */
export function createLogging(options: LoggingOptions): Logging {
  const { clock, destination = 1, ringBytes = DEFAULT_RING_BYTES } = options;
  if (!Number.isSafeInteger(ringBytes) || ringBytes < MIN_RING_BYTES) {
    throw new RangeError(`ringBytes must be a whole number of at least ${MIN_RING_BYTES}, got ${ringBytes}`);
  }
  const filter = parseFilter(options.filter);
  const terminal =
    typeof destination === 'number' ? isatty(destination) : 'isTTY' in destination && !!destination.isTTY;
  const { fmt = terminal ? 'pretty' : 'json', color = terminal } = options;

  const ring = createLogRing(ringBytes, options.bootId ?? randomBytes(6).toString('hex'));
  const metrics = createLogMetrics();
  const loss: LossReport = {
    dropped: metrics.lineDropped,
    recovered: (count) => logger('reactor_observability::logs').warn('log lines were lost', { count }),
  };
  const output =
    typeof destination === 'number' ? createFdOutput(destination, loss) : createStreamOutput(destination, loss);

  /** What every line goes through, whoever formatted it. */
  function emit(written: string, line: string, { time, level, target }: LineOrigin, accessPath: unknown): void {
    metrics.lineWritten(level);
    output.write(written);
    // Reading the log must not fill it: a client that reconnects would read of nothing but itself.
    if (accessPath !== '/_admin/logs') ring.append({ time, level, target, line });
  }

  const writeLine = createLineWriter((line, parts) => {
    const { fields } = parts;
    const written = fmt === 'pretty' ? formatPretty(parts, color) : line;
    emit(written, line.slice(0, -1), parts, fields.message === ACCESS_MESSAGE ? fields.path : undefined);
  });

  const core: LoggerCore = {
    filter,
    write(level: LogLevel, target, message, bound, fields) {
      const plain = { message: plainMessage(message), ...bound };
      writeLine({ time: clock.now(), level, target, fields: fields === undefined ? plain : addFields(plain, fields) });
    },
    writeAccess: fmt === 'json' ? (line, origin, path) => emit(`${line}\n`, line, origin, path) : undefined,
    clock,
  };
  const logger = (target: string) => createTargetLogger(core, target);
  let ending = false;

  function endStreams(): void {
    ending = true;
    ring.wake();
  }

  return {
    logger,
    get filter() {
      return core.filter.text;
    },
    setFilter(text) {
      core.filter = parseFilter(text);
    },
    clock,
    streams: {
      ring,
      get ending() {
        return ending;
      },
      opened: metrics.streamOpened,
      closed: metrics.streamClosed,
      overtaken: metrics.streamOvertaken,
    },
    metrics: metrics.contributor,
    flush: output.flush,
    endStreams,
    async close() {
      endStreams();
      await output.close();
    },
  };
}

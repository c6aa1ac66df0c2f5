import { counter, gauge, LOG_LEVELS, type LogLevel, type MetricsContributor, metricsContributor } from '@reactor/core';

/** The log's own signals, told in its words. */
export interface LogMetrics {
  readonly contributor: MetricsContributor;
  lineWritten(level: LogLevel): void;
  /** The destination had no room for a line. */
  lineDropped(): void;
  streamOpened(): void;
  streamClosed(): void;
  /** A subscriber was so slow that `lines` left the ring before it had read them. */
  streamOvertaken(lines: number): void;
}

export function createLogMetrics(): LogMetrics {
  const lines = counter({
    name: 'reactor_log_lines_total',
    help: 'Log lines that passed the filter, by level',
    moves: 'once per line',
    unit: 'none',
    labels: { level: LOG_LEVELS },
  });
  const dropped = counter({
    name: 'reactor_log_lines_dropped_total',
    help: 'Log lines that a reader did not get: the destination had no room, or a log stream was overtaken',
    moves: 'once per line and reader',
    unit: 'none',
    labels: { reason: ['destination', 'stream'] },
  });
  const subscribers = gauge({
    name: 'reactor_log_stream_subscribers',
    help: 'Clients reading the log stream',
    moves: 'when one connects or leaves',
    unit: 'none',
  });
  const byLevel = Object.fromEntries(LOG_LEVELS.map((level) => [level, lines.child({ level })])) as Record<
    LogLevel,
    ReturnType<typeof lines.child>
  >;
  const destination = dropped.child({ reason: 'destination' });
  const stream = dropped.child({ reason: 'stream' });
  const open = subscribers.child({});

  return {
    contributor: metricsContributor([lines, dropped, subscribers]),
    lineWritten: (level) => byLevel[level].inc(),
    lineDropped: () => destination.inc(),
    streamOpened: () => open.inc(),
    streamClosed: () => open.dec(),
    streamOvertaken: (count) => stream.inc(count),
  };
}

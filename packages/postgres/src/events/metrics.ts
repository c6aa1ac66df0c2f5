import { counter, type MetricFamily } from '@reactor/core';

const GAP_REASONS = ['listening', 'polled', 'overflow', 'payload_gone'] as const;

/** What happens to events on their way to the handlers of this process. */
export interface EventsMetrics {
  readonly families: readonly MetricFamily[];
  handled(result: 'ok' | 'failed'): void;
  gap(reason: (typeof GAP_REASONS)[number]): void;
  malformed(): void;
}

export function createEventsMetrics(): EventsMetrics {
  const handled = counter({
    name: 'reactor_events_handled_total',
    help: 'Events and gaps that handlers of this process were called with; failed where the handler threw',
    moves: 'once per call of a handler',
    unit: 'none',
    labels: { result: ['ok', 'failed'] },
  });
  const gaps = counter({
    name: 'reactor_events_gaps_total',
    help: 'Times that a handler was told that it may have missed events: when listening begins or begins again, with each poll while nothing can be listened to, when the handler was too slow or a payload was gone',
    moves: 'once per handler that is told',
    unit: 'none',
    labels: { reason: GAP_REASONS },
  });
  const malformed = counter({
    name: 'reactor_events_malformed_total',
    help: 'Notifications on the channel of events that are none; every role of the database can send them',
    moves: 'once per notification, while this process listens',
    unit: 'none',
  });
  return {
    families: [handled, gaps, malformed],
    handled: (result) => handled.child({ result }).inc(),
    gap: (reason) => gaps.child({ reason }).inc(),
    malformed: () => malformed.child({}).inc(),
  };
}

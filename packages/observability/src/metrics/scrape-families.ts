import {
  type MetricFamily,
  type MetricsContributor,
  metricsContributor,
  observedGauge,
  openLabel,
} from '@reactor/core';
import type { CollectorOutcome, ScrapedFamily } from './snapshot.js';

/** What a scrape says about itself. */
export interface ScrapeFamilies {
  readonly metrics: MetricsContributor;
  /** The families as of these outcomes, for the scrape they belong to. */
  read(outcomes: readonly CollectorOutcome[]): Promise<ScrapedFamily[]>;
}

/** Far more than there are collectors; each is one family, so the registry bounds them. */
const collectorLabel = { collector: openLabel(1000) };

export function scrapeFamilies(): ScrapeFamilies {
  let latest: readonly CollectorOutcome[] = [];
  const collect = (pick: (outcome: CollectorOutcome) => number) => () =>
    latest.map((outcome) => ({ labels: { collector: outcome.collector }, value: pick(outcome) }));
  const families: readonly MetricFamily[] = [
    observedGauge({
      name: 'reactor_scrape_collector_success',
      help: 'Whether the collector of a family answered this scrape (1) or threw or ran out of time (0)',
      moves: 'on each scrape',
      unit: 'none',
      labels: collectorLabel,
      collect: collect(({ success }) => (success ? 1 : 0)),
    }),
    observedGauge({
      name: 'reactor_scrape_collector_duration_seconds',
      help: 'Time the collector of a family took in this scrape',
      moves: 'on each scrape',
      unit: 'seconds',
      labels: collectorLabel,
      collect: collect(({ durationSeconds }) => durationSeconds),
    }),
  ];
  return {
    metrics: metricsContributor(families),
    read(outcomes) {
      // Both are read before another scrape can set its own outcomes: collect runs synchronously.
      latest = outcomes;
      return Promise.all(families.map((family) => family.get()));
    },
  };
}

// What recording one request costs: a counter, a histogram, in-flight up and down, on bound children.
import { counter, gauge, histogram } from '@reactor/core';
import { median, report } from './stats.mjs';

const REQUESTS = 2_000_000;
const about = { help: 'Made for measuring', moves: 'never', unit: 'none' };
const requests = counter({ ...about, name: 'bench_requests_total' }).child({});
const inFlight = gauge({ ...about, name: 'bench_in_flight' }).child({});
const duration = histogram({
  ...about,
  name: 'bench_duration_seconds',
  unit: 'seconds',
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
}).child({});

const perRequest = [];
for (let round = 0; round < 11; round++) {
  const start = performance.now();
  for (let i = 0; i < REQUESTS; i++) {
    inFlight.inc();
    duration.observe((i % 100) / 1000);
    requests.inc();
    inFlight.dec();
  }
  perRequest.push(((performance.now() - start) * 1e6) / REQUESTS);
}
report([['recording one request, median ns (budget 150)', median(perRequest).toFixed(1)]]);

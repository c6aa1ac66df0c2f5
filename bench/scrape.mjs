// A scrape of 50 000 samples by our route against prom-client's own rendering of the same series.
import { counter, gauge, histogram, metricsContributor, openLabel, silentLogger, systemClock } from '@reactor/core';
import { createMetrics } from '@reactor/observability';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { median, report } from './stats.mjs';

const ROUNDS = 21;
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const about = { help: 'Made for measuring', moves: 'never', unit: 'none' };

/** 2000 histogram series of 14 samples, 11 000 counters, 11 000 gauges. */
function* series() {
  for (let f = 0; f < 4; f++) {
    for (let i = 0; i < 500; i++) {
      yield {
        family: `bench_h${f}_seconds`,
        kind: 'histogram',
        labels: { capability: `c${i % 7}`, route: `/x/:id/${i}` },
      };
    }
    for (let i = 0; i < 2750; i++) {
      yield { family: `bench_c${f}_total`, kind: 'counter', labels: { capability: `c${i % 7}`, status: `s${i}` } };
      yield { family: `bench_g${f}`, kind: 'gauge', labels: { tenant: `t${i}` } };
    }
  }
}

const make = { counter, gauge, histogram };
const makeNative = { counter: Counter, gauge: Gauge, histogram: Histogram };
const ours = createMetrics({ clock: systemClock, logger: silentLogger });
const native = new Registry();
const families = new Map();
for (const { family, kind, labels } of series()) {
  let pair = families.get(family);
  if (pair === undefined) {
    const names = Object.keys(labels);
    const declaration = { ...about, name: family, labels: Object.fromEntries(names.map((n) => [n, openLabel(5000)])) };
    if (kind === 'histogram') Object.assign(declaration, { unit: 'seconds', buckets: BUCKETS });
    pair = {
      own: make[kind](declaration),
      theirs: new makeNative[kind]({
        name: family,
        help: about.help,
        labelNames: names,
        registers: [native],
        ...(kind === 'histogram' ? { buckets: BUCKETS } : {}),
      }),
    };
    families.set(family, pair);
  }
  // Durations are fractions; what counters and gauges hold is mostly whole numbers.
  const value = Math.floor(Math.random() * 1e6);
  if (kind === 'histogram') {
    pair.own.child(labels).observe(value / 1e6);
    pair.theirs.observe(labels, value / 1e6);
  } else if (kind === 'counter') {
    pair.own.child(labels).inc(value);
    pair.theirs.inc(labels, value);
  } else {
    pair.own.child(labels).set(value);
    pair.theirs.set(labels, value);
  }
}
ours.contribute('bench', metricsContributor([...families.values()].map(({ own }) => own)));

async function scrapeOurs() {
  const response = await ours.routes.request('/metrics');
  return response;
}

/** Runs `work` while a chain of immediates watches for how long nothing else got its turn. */
async function longestBlock(work) {
  let longest = 0;
  let last = performance.now();
  let watching = true;
  const tick = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (watching) setImmediate(tick);
  };
  setImmediate(tick);
  await work();
  watching = false;
  return longest;
}

const times = { ours: [], native: [], block: [] };
for (let round = -3; round < ROUNDS; round++) {
  let start = performance.now();
  await scrapeOurs();
  const oursMs = performance.now() - start;
  start = performance.now();
  Buffer.from(await native.metrics());
  const nativeMs = performance.now() - start;
  const block = await longestBlock(scrapeOurs);
  if (round < 0) continue;
  times.ours.push(oursMs);
  times.native.push(nativeMs);
  times.block.push(block);
}
const samples = (await (await scrapeOurs()).text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
report([
  ['samples', samples.length],
  ['prom-client, median ms', median(times.native).toFixed(1)],
  ['ours, median ms', median(times.ours).toFixed(1)],
  ['ratio (budget 0.35)', (median(times.ours) / median(times.native)).toFixed(2)],
  ['longest event-loop block, median ms (budget 10)', median(times.block).toFixed(1)],
  ['longest event-loop block, worst ms', Math.max(...times.block).toFixed(1)],
]);

// What metrics() costs per value against a plain tap, and a timed scheduler per task against the plain one, in turns.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { metrics, simpleRegistry, timedScheduler } from '@reactor/reactive-metrics';
import { prometheusRegistry } from '@reactor/reactive-metrics/prometheus';
import { Registry } from 'prom-client';
import { asapScheduler, asyncScheduler, filter, map, Observable, queueScheduler, range, Subject, tap } from 'rxjs';
import { median, report } from './stats.mjs';

setFlagsFromString('--expose-gc');
// Large enough that no collection falls into a run that is weighed.
setFlagsFromString('--min-semi-space-size=64');
setFlagsFromString('--max-semi-space-size=64');
const collectGarbage = runInNewContext('gc');

const ROUNDS = 21;
const sink = { value: 0 };
const consume = (value) => {
  sink.value = value;
};

/** Runs both in turns, so that what else the machine does hits both. @returns median ns per item of each */
async function compare(items, plain, measured) {
  const perItem = { plain: [], measured: [], ratio: [] };
  for (let round = -3; round < ROUNDS; round++) {
    const times = [];
    for (const run of [plain, measured]) {
      // CPU time: what other processes take of the machine is nobody's cost here.
      const start = process.cpuUsage();
      await run(items);
      const { user, system } = process.cpuUsage(start);
      times.push(((user + system) * 1e3) / items);
    }
    if (round < 0) continue;
    perItem.plain.push(times[0]);
    perItem.measured.push(times[1]);
    perItem.ratio.push(times[1] / times[0]);
  }
  const [a, b, ratio] = [perItem.plain, perItem.measured, perItem.ratio].map(median);
  return `${ratio.toFixed(2)}x   (${a.toFixed(0)} → ${b.toFixed(0)} ns)`;
}

/**
 * Bytes allocated per value, once the pipeline is warm. Within one subscription, because a collection in between throws
 * away optimized code whose objects died, and what runs instead allocates.
 */
function allocated(op) {
  const [warm, weighed] = [2_000_000, 500_000];
  let bytes = 0;
  const source = new Observable((subscriber) => {
    const emit = (values) => {
      for (let i = 0; i < values; i++) subscriber.next(i);
    };
    emit(warm);
    emit(warm);
    const before = process.memoryUsage().heapUsed;
    emit(weighed);
    bytes = (process.memoryUsage().heapUsed - before) / weighed;
  });
  collectGarbage();
  source.pipe(op).subscribe(consume);
  return bytes;
}

const streams = {
  'Subject → op → subscriber': (items, op) => {
    const subject = new Subject();
    subject.pipe(op).subscribe(consume);
    for (let i = 0; i < items; i++) subject.next(i);
  },
  'range → map → op → filter → subscriber': (items, op) => {
    const pipeline = range(0, items).pipe(
      map((value) => value + 1),
      op,
      filter((value) => value > 0),
    );
    pipeline.subscribe(consume);
  },
  'range → op → subscriber (nothing else to do)': (items, op) => {
    range(0, items).pipe(op).subscribe(consume);
  },
};

function clockCost() {
  const { clock } = simpleRegistry();
  let last = 0;
  const reads = 2_000_000;
  const start = performance.now();
  for (let i = 0; i < reads; i++) last = clock.now();
  consume(last);
  return ((performance.now() - start) * 1e6) / reads;
}
clockCost();

const VALUES = 500_000;
for (const [backend, registry] of [
  ['in memory', simpleRegistry()],
  ['prom-client', prometheusRegistry(new Registry())],
]) {
  for (const [what, run] of Object.entries(streams)) {
    const ratio = await compare(
      VALUES,
      (items) => run(items, tap(consume)),
      (items) => run(items, metrics(registry)),
    );
    report([[`${backend}: ${what}`, ratio]]);
  }
  const [plain, measured] = [tap(consume), metrics(registry)].map((op) => allocated(op).toFixed(1));
  report([[`${backend}: bytes allocated per value, tap and metrics`, `${plain} and ${measured}`]]);
}
report([['reading the clock once, ns', clockCost().toFixed(0)]]);

// In batches, as tasks come: thousands waiting at once measure RxJS's array of actions and nothing else.
const BATCH = 1_000;
const schedulers = { async: [asyncScheduler, 10], asap: [asapScheduler, 50], queue: [queueScheduler, 50] };
for (const [what, [original, batches]] of Object.entries(schedulers)) {
  const timed = timedScheduler(original, simpleRegistry(), 'bench');
  const run = (scheduler) => async (items) => {
    for (let batch = 0; batch < items / BATCH; batch++) {
      await new Promise((resolve) => {
        let left = BATCH;
        const work = () => {
          left -= 1;
          if (left === 0) resolve();
        };
        for (let i = 0; i < BATCH; i++) scheduler.schedule(work);
      });
    }
  };
  report([[`timed ${what}: a task`, await compare(batches * BATCH, run(original), run(timed))]]);
}

function longTasks(outstanding) {
  const timer = simpleRegistry().longTaskTimer('bench');
  const samples = Array.from({ length: outstanding }, () => timer.start(0));
  const rounds = 200_000;
  const start = performance.now();
  // A queue: the oldest stops, a new one starts.
  for (let i = 0; i < rounds; i++) {
    const at = i % samples.length;
    samples[at].stop(1);
    samples[at] = timer.start(0);
  }
  return ((performance.now() - start) * 1e6) / rounds;
}
longTasks(1_000);
report([
  ['stop and start among 1 000 long tasks, ns', median([1, 2, 3, 4, 5].map(() => longTasks(1_000))).toFixed(0)],
  ['stop and start among 200 000 long tasks, ns', median([1, 2, 3, 4, 5].map(() => longTasks(200_000))).toFixed(0)],
]);

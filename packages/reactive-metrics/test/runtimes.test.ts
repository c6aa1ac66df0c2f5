import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { bundle, PACKAGE, scratchFolder } from './bundle.js';
import { parseText } from './exposition.js';

const run = promisify(execFile);

/** Prints the flows of a few streams and the counts of a scheduler. */
const PROGRAM = `
  import { EMPTY, NEVER, Subject, asapScheduler, of, throwError } from 'rxjs';
  import { map, take, timeout } from 'rxjs/operators';
  import {
    meterHandler, metrics, name, observation, observationRegistry, simpleRegistry, tag, timedScheduler,
  } from '@reactor/reactive-metrics';

  class OrderError extends Error {}
  const registry = simpleRegistry();
  const observations = observationRegistry({ handlers: [meterHandler(registry)] });
  const quiet = { error: () => {} };
  of(1, 2).pipe(name('events'), tag('k', 'v'), map(String), metrics(registry), observation(observations)).subscribe();
  of(1, 2).pipe(metrics(registry), take(1)).subscribe();
  EMPTY.pipe(metrics(registry)).subscribe();
  throwError(() => new RangeError('x')).pipe(metrics(registry)).subscribe(quiet);
  throwError(() => new OrderError('x')).pipe(metrics(registry, { exceptionName: () => 'OrderError' })).subscribe(quiet);
  const scheduler = timedScheduler(asapScheduler, registry, 'p');
  scheduler.schedule(() => {
    Promise.resolve().then(() => {
      const lines = registry.meters().map(({ name, tags, kind, cell }) =>
        [kind, name, [...tags].join(' '), kind === 'longTaskTimer' ? cell.activeTasks : cell.count].join(' | '));
      report(lines.sort().join('\\n'));
    });
  });
`;

async function expected(): Promise<string> {
  const file = join(scratchFolder(), 'plain.mjs');
  writeFileSync(file, await bundle(`const report = console.log;${PROGRAM}`, { external: ['rxjs'] }));
  return (await run(process.execPath, [file])).stdout.trim();
}

describe('runtimes', () => {
  it('Node imports the sources as ESM, and every meter is there', async () => {
    const lines = (await expected()).split('\n');
    expect(lines).toContain('counter | events.subscribed | k,v type,Flux | 1');
    expect(lines).toContain('timer | reactor.flow.duration | exception, status,cancelled type,Flux | 1');
    expect(lines).toContain('timer | reactor.flow.duration | exception,OrderError status,error type,Flux | 1');
    expect(lines).toContain('timer | p.scheduler.tasks.completed |  | 1');
    expect(lines).toHaveLength(18);
  });

  it('a minified build measures the same', async () => {
    const file = join(scratchFolder(), 'minified.mjs');
    writeFileSync(file, await bundle(`const report = console.log;${PROGRAM}`, { minify: true, platform: 'node' }));
    expect((await run(process.execPath, [file])).stdout.trim()).toBe(await expected());
  });

  it('Bun measures the same', async () => {
    const file = join(scratchFolder(), 'bun.mjs');
    writeFileSync(file, await bundle(`const report = console.log;${PROGRAM}`, { external: ['rxjs'] }));
    const bun = createRequire(import.meta.url).resolve('bun/bin/bun.exe');
    expect((await run(bun, [file])).stdout.trim()).toBe(await expected());
  });

  it('a browser bundle measures the same without anything of Node', async () => {
    const code = await bundle(PROGRAM, { platform: 'browser', format: 'iife', target: 'es2022' });
    const reported = new Promise<string>((report) => {
      // No process, no require: what every browser has and this program needs.
      runInContext(code, createContext({ report, console, performance, setTimeout, clearTimeout, queueMicrotask }));
    });
    expect(await reported).toBe(await expected());
  });

  it('a bundle holds only what is used of the package', async () => {
    const external = ['rxjs', 'rxjs/operators'];
    const code = await bundle(`import { name } from '@reactor/reactive-metrics'; console.log(name);`, { external });
    for (const unused of ['scheduler.tasks', 'reactor.observation', 'flow.duration', 'AsyncLocalStorage']) {
      expect(code).not.toContain(unused);
    }
    const nothing = await bundle(`import '@reactor/reactive-metrics';`, { external });
    expect(nothing.replace(/\/\/.*\n|"use strict";|\s/g, '')).toMatch(/^(import"rxjs";)*$/);
  });

  it('importing every entry point does nothing', async () => {
    const program = `
      const before = Object.getOwnPropertyNames(globalThis).length;
      const listeners = () => process.eventNames().length;
      const events = listeners();
      await import('@reactor/reactive-metrics');
      await import('@reactor/reactive-metrics/prometheus');
      await import('@reactor/reactive-metrics/opentelemetry');
      await import('@reactor/reactive-metrics/testing');
      console.log(Object.getOwnPropertyNames(globalThis).length - before, listeners() - events);
    `;
    const file = join(scratchFolder(), 'import.mjs');
    const external = ['rxjs', '@opentelemetry/api'];
    writeFileSync(file, await bundle(program, { external }));
    expect((await run(process.execPath, [file])).stdout.trim()).toBe('0 0');
  });
});

describe('two copies in one process', () => {
  it('of RxJS work in both directions', async () => {
    const program = `
      import * as newest from 'rxjs';
      import * as oldest from 'rxjs-7-0';
      import { map as oldMap } from 'rxjs-7-0/operators';
      import { metrics, name, simpleRegistry, timedScheduler } from '@reactor/reactive-metrics';
      const registry = simpleRegistry();
      const values = [];
      const done = (value) => values.push(value);
      oldest.of(1, 2).pipe(name('old'), oldMap((v) => v * 10), metrics(registry)).subscribe(done);
      newest.from(oldest.of(3).pipe(metrics(registry, { name: 'adopted' }))).pipe(newest.take(1)).subscribe(done);
      const subscription = oldest.NEVER.pipe(metrics(registry, { name: 'cancelled' })).subscribe();
      subscription.unsubscribe();
      new oldest.Observable((subscriber) => {
        subscriber.unsubscribe();
        newest.of(4).pipe(metrics(registry, { name: 'closed' })).subscribe(subscriber);
      }).subscribe(done);
      const virtual = new oldest.VirtualTimeScheduler();
      const scheduler = timedScheduler(virtual, registry, 'p');
      newest.interval(1, scheduler).pipe(newest.take(3)).subscribe(done);
      virtual.flush();
      const flows = registry.meters().filter((meter) => meter.name.endsWith('flow.duration'));
      console.log(JSON.stringify({
        values,
        flows: flows.map((meter) => [meter.name, meter.tags.get('status'), meter.cell.count]),
        completed: registry.find('p.scheduler.tasks.completed').cell.count,
        pending: registry.find('p.scheduler.tasks.pending').cell.activeTasks,
      }));
    `;
    const file = join(scratchFolder(), 'copies.mjs');
    writeFileSync(file, await bundle(program, { external: ['rxjs', 'rxjs-7-0'] }));
    expect(JSON.parse((await run(process.execPath, [file])).stdout)).toEqual({
      values: [10, 20, 3, 0, 1, 2],
      flows: [
        ['old.flow.duration', 'completed', 1],
        ['adopted.flow.duration', 'cancelled', 1],
        ['cancelled.flow.duration', 'cancelled', 1],
        ['closed.flow.duration', 'cancelled', 1],
      ],
      completed: 3,
      pending: 0,
    });
  });

  it('of this package read each other’s names and share a prom-client registry', async () => {
    const folder = scratchFolder();
    const exports = `
      export * from '@reactor/reactive-metrics';
      export * from '@reactor/reactive-metrics/prometheus';
    `;
    for (const copy of ['a.mjs', 'b.mjs'])
      writeFileSync(join(folder, copy), await bundle(exports, { external: ['rxjs'] }));
    const program = `
      import * as a from './a.mjs';
      import * as b from './b.mjs';
      import { of } from 'rxjs';
      import { Registry } from 'prom-client';
      const target = new Registry();
      const stream = of(1).pipe(a.name('events'), b.tag('k', 'v'));
      stream.pipe(a.metrics(a.prometheusRegistry(target))).subscribe();
      stream.pipe(b.metrics(b.prometheusRegistry(target))).subscribe();
      console.log(await target.metrics());
    `;
    writeFileSync(join(folder, 'main.mjs'), program);
    const families = parseText((await run(process.execPath, [join(folder, 'main.mjs')])).stdout.trimEnd().concat('\n'));
    expect(families.get('events_subscribed_total')?.samples).toEqual([
      { name: 'events_subscribed_total', labels: { k: 'v', type: 'Flux' }, value: 2 },
    ]);
  });
});

describe('prom-client’s cluster mode', () => {
  it('joins the meters of real worker processes', async () => {
    const program = `
      import cluster from 'node:cluster';
      import { AggregatorRegistry, Registry } from 'prom-client';
      import { of } from 'rxjs';
      import { metrics, tag } from '@reactor/reactive-metrics';
      import { prometheusRegistry } from '@reactor/reactive-metrics/prometheus';
      const aggregator = new AggregatorRegistry();
      if (cluster.isPrimary) {
        let ready = 0;
        for (let i = 0; i < 2; i += 1) {
          cluster.fork({ WORKER: String(i) }).on('message', async (message) => {
            if (message !== 'ready' || (ready += 1) < 2) return;
            console.log(await aggregator.clusterMetrics());
            for (const worker of Object.values(cluster.workers)) worker.kill();
          });
        }
      } else {
        const target = new Registry();
        AggregatorRegistry.setRegistries(target);
        const registry = prometheusRegistry(target);
        of(1).pipe(metrics(registry)).subscribe();
        console.warn = () => {};
        if (process.env.WORKER === '1') of(1).pipe(tag('source', 'kafka'), metrics(registry)).subscribe();
        process.send('ready');
      }
    `;
    const file = join(scratchFolder(), 'cluster.mjs');
    writeFileSync(file, await bundle(program, { external: ['rxjs', 'prom-client', 'node:cluster'], platform: 'node' }));
    const { stdout } = await run(process.execPath, [file], { cwd: PACKAGE });
    const families = parseText(`${stdout.trimEnd()}\n`);
    const counters = families
      .get('reactor_subscribed_total')
      ?.samples.map(({ labels, value }) => ({ ...labels, value }));
    expect(counters).toHaveLength(2);
    expect(counters).toContainEqual({ type: 'Flux', value: 2 });
    expect(counters).toContainEqual({ source: 'kafka', type: 'Flux', value: 1 });
  });
});

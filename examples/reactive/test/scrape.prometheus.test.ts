import { spawnSync } from 'node:child_process';
import { metrics, name, tag } from '@reactor/reactive-metrics';
import { prometheusRegistry } from '@reactor/reactive-metrics/prometheus';
import { Registry } from 'prom-client';
import { of, throwError } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { parseOpenMetrics, parseText } from '../../../packages/reactive-metrics/test/exposition.js';
import { assertInstalled, eventually, prometheus, runningFeed, served } from './running.js';

const OPEN_METRICS = { accept: 'application/openmetrics-text;version=1.0.0' };

/** The exposition, once every family of the feed has a series. */
async function exposition(url: string, headers: Record<string, string> = {}): Promise<string> {
  return eventually(async () => {
    const text = await (await fetch(url, { headers })).text();
    return text.includes('device_flow_duration_seconds_count{') && text.includes('store_seconds_count{')
      ? text
      : undefined;
  });
}

describe('the exposition of the feed', () => {
  it('passes promtool but for the lints of its inherited names', async () => {
    assertInstalled('promtool');
    const { url } = await runningFeed();
    const { stderr } = spawnSync('promtool', ['check', 'metrics'], { input: await exposition(url), encoding: 'utf8' });
    const lints = stderr
      .trim()
      .split('\n')
      .map((line) => line.split(' '));
    // `onNext` keeps its case, and the gauges of long task timers the names of Micrometer's first Prometheus client.
    const camelCase = lints.filter((words) => words.join(' ').includes("not 'camelCase'")).map(([metric]) => metric);
    const suffixes = lints.filter((words) => words.join(' ').includes('suffix')).map(([metric]) => metric);
    expect(camelCase).toEqual(
      ['device', 'readings', 'stored'].flatMap((stream) => [
        `${stream}_onNext_delay_seconds`,
        `${stream}_onNext_delay_seconds_max`,
      ]),
    );
    expect(suffixes).toEqual(
      ['feed_scheduler_tasks_active', 'feed_scheduler_tasks_pending', 'store_active'].flatMap((timer) => [
        `${timer}_seconds_active_count`,
        `${timer}_seconds_duration_sum`,
      ]),
    );
    expect(lints).toHaveLength(camelCase.length + suffixes.length);
  });

  it('is strict in both formats, and asking for one does not change the other', async () => {
    const { url } = await runningFeed();
    await exposition(url);
    const [open, text] = await Promise.all([exposition(url, OPEN_METRICS), exposition(url)]);
    expect(parseOpenMetrics(open).get('readings_subscribed')?.type).toBe('counter');
    expect(parseText(text).get('readings_subscribed_total')?.type).toBe('counter');
    expect((await fetch(url.replace('/metrics', '/'))).status).toBe(404);
  });
});

describe('a real Prometheus', () => {
  it('scrapes the feed, and streams with hostile names and values', async () => {
    const feed = await runningFeed();
    const target = new Registry();
    const registry = prometheusRegistry(target);
    const hostile = ['"}\nx 1', '\\', '\ud800', '\u0000', '\r', '__proto__', 'é😀', ' '];
    for (const value of hostile) {
      // Some of these names become one in Prometheus: the later ones are refused, and the streams go on.
      const onInstrumentationError = () => {};
      of(1)
        .pipe(name(`n${value}`), tag('k', value), metrics(registry, { onInstrumentationError }))
        .subscribe();
      const error = Object.assign(new Error('x'), { name: value });
      throwError(() => error)
        .pipe(name('errors'), metrics(registry))
        .subscribe({ error: () => {} });
    }
    const others = await served(target);
    const ask = await prometheus([feed.address, others.address]);

    const health = await eventually(async () => {
      const data = (await ask('targets')) as { activeTargets: { health: string; lastError: string }[] } | undefined;
      const targets = data?.activeTargets.map(({ health, lastError }) => ({ health, lastError }));
      return targets?.length === 2 && targets.every((one) => one.health !== 'unknown') ? targets : undefined;
    });
    expect(health).toEqual([
      { health: 'up', lastError: '' },
      { health: 'up', lastError: '' },
    ]);

    const query = async (expression: string) =>
      (await ask(`query?query=${encodeURIComponent(expression)}`)) as
        | { result: { metric: Record<string, string>; value: [number, string] }[] }
        | undefined;
    const rate = await eventually(async () => {
      const value = (await query('rate(readings_onNext_delay_seconds_count{device="roof"}[5s])'))?.result[0]?.value[1];
      return Number(value) > 0 ? Number(value) : undefined;
    });
    expect(rate).toBeGreaterThan(0);
    const exceptions = (await query('errors_flow_duration_seconds_count'))?.result.map(
      ({ metric }) => metric.exception,
    );
    expect(exceptions?.sort()).toEqual([...hostile.map((value) => value.replace('\ud800', '\ufffd'))].sort());
    const families = (await ask(`targets/metadata?metric=errors_subscribed`)) as { type: string }[];
    // Only OpenMetrics knows the family of a counter by its name without `_total`.
    expect(families[0]?.type).toBe('counter');
  });
});

import type { HealthCheck, HealthResult } from '@reactor/core';
import { listen, recordingLogger } from '@reactor/testing';
import { expect, test, vi } from 'vitest';
import { createHealth, createMetrics, type HealthSubject, type ServerPhase } from '../src/index.js';
import { familiesByLine } from './exposition.js';

const ok = async (): Promise<HealthResult> => ({ status: 'ok' });
const hang = () => new Promise<HealthResult>(() => {});

function subject(name: HealthSubject['name'], check: HealthCheck['check'], timeoutMs = 500): HealthSubject {
  return { name, health: { timeoutMs, check } };
}

function setUp(...capabilities: HealthSubject[]) {
  const { logger, lines } = recordingLogger();
  const state = { now: 0, phase: 'ready' as ServerPhase };
  const clock = { now: () => state.now, monotonic: () => state.now };
  const health = createHealth({ capabilities: () => capabilities, phase: () => state.phase, clock, logger });
  const get = async (path = '/health') => {
    const response = await health.routes.request(path);
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const metrics = createMetrics({ clock, logger });
  metrics.contribute('health', health.metrics);
  const scrape = async () => familiesByLine(await (await metrics.routes.request('/metrics')).text());
  return { health, get, state, lines, scrape };
}

test('all checks pass', async () => {
  const { get } = setUp(subject('auth', ok), subject('jobs', ok));
  const { status, headers, text } = await get();
  expect(status).toBe(200);
  expect(text).toBe('{"status":"ok","capabilities":{"auth":"ok","jobs":"ok"}}');
  expect(headers.get('Cache-Control')).toBe('no-store');
});

test('one fails: 503, named, with its public reason', async () => {
  const { get } = setUp(
    subject('auth', ok),
    subject('storage', async () => ({ status: 'error', reason: 'The blob folder is read-only.' })),
  );
  const { status, headers, text } = await get();
  expect(status).toBe(503);
  expect(text).toBe(
    '{"status":"error","capabilities":{"auth":"ok","storage":"error"},"failing":["storage"],"errors":{"storage":"The blob folder is read-only."}}',
  );
  expect(headers.get('Cache-Control')).toBe('no-store');
});

test('a check that throws, rejects, hangs or answers nonsense fails without telling why in public', async () => {
  const secret = new Error('password=hunter2 at db.internal');
  const { get, lines } = setUp(
    subject('auth', () => {
      throw secret;
    }),
    subject('data', () => Promise.reject(secret)),
    subject('storage', hang, 20),
    subject('jobs', async () => ({ status: 'fine' }) as unknown as HealthResult),
    subject('sites', async () => undefined as unknown as HealthResult),
    subject('functions', ok),
  );
  const { status, text } = await get();
  expect(status).toBe(503);
  expect(JSON.parse(text)).toEqual({
    status: 'error',
    capabilities: { auth: 'error', data: 'error', storage: 'error', jobs: 'error', sites: 'error', functions: 'ok' },
    failing: ['auth', 'data', 'storage', 'jobs', 'sites'],
    errors: {
      auth: 'The check failed.',
      data: 'The check failed.',
      storage: 'The check did not answer in time.',
      jobs: 'The check gave no valid answer.',
      sites: 'The check gave no valid answer.',
    },
  });
  expect(lines.find(({ fields }) => fields.capability === 'data')).toMatchObject({
    level: 'warn',
    message: 'health check failed',
    fields: { error: secret },
  });
});

test('hanging checks run side by side, and none holds up the answer for longer than the limit', async () => {
  let aborted = 0;
  const hangUntilAborted: HealthCheck['check'] = (signal) => {
    signal.addEventListener('abort', () => aborted++);
    return hang();
  };
  // What a check allows itself beyond the limit does not count.
  const names = ['auth', 'data', 'storage', 'functions', 'jobs', 'sites'] as const;
  const { get } = setUp(...names.map((name) => subject(name, hangUntilAborted, 60_000)));
  const start = performance.now();
  const { status } = await get();
  expect(status).toBe(503);
  // The limit is 800 ms; one after the other they would take 4.8 s, by their own timeouts a minute.
  expect(performance.now() - start).toBeLessThan(2000);
  expect(aborted).toBe(6);
});

test('concurrent callers share one round, and it is repeated only after a second', async () => {
  let runs = 0;
  const { get, state } = setUp(
    subject('jobs', async () => {
      runs++;
      return { status: 'ok' };
    }),
  );
  await Promise.all([get(), get(), get()]);
  expect(runs).toBe(1);
  state.now += 999;
  await get();
  expect(runs).toBe(1);
  state.now += 1;
  await get();
  expect(runs).toBe(2);
});

test('a lasting failure is logged once, its end once', async () => {
  const results: HealthResult[] = [
    { status: 'error', reason: 'Gone.' },
    { status: 'error', reason: 'Gone.' },
    { status: 'ok' },
    { status: 'ok' },
    { status: 'error', reason: 'Gone again.' },
  ];
  const { get, state, lines } = setUp(subject('jobs', async () => results.shift() as HealthResult));
  for (let i = 0; i < 5; i++) {
    await get();
    state.now += 1000;
  }
  expect(lines.map(({ level, message, fields }) => [level, message, fields])).toEqual([
    ['warn', 'health check failed', { capability: 'jobs', reason: 'Gone.' }],
    ['info', 'health check passes again', { capability: 'jobs' }],
    ['warn', 'health check failed', { capability: 'jobs', reason: 'Gone again.' }],
  ]);
});

test.each([
  ['starting', 'The server is starting.'],
  ['draining', 'The server is shutting down.'],
] as const)('while %s: not ready, not healthy, alive, and no check runs', async (phase, reason) => {
  const check = vi.fn(ok);
  const { get, state, scrape } = setUp(subject('jobs', check));
  state.phase = phase;
  const readyz = await get('/readyz');
  expect([readyz.status, readyz.headers.get('Retry-After')]).toEqual([503, '1']);
  expect(JSON.parse(readyz.text)).toEqual({ status: 'error', failing: ['server'], errors: { server: reason } });
  const health = await get('/health');
  expect([health.status, health.headers.get('Retry-After')]).toEqual([503, '1']);
  expect(health.text).toBe(`{"status":"error","capabilities":{},"failing":["server"],"errors":{"server":"${reason}"}}`);
  expect((await get('/livez')).status).toBe(200);
  expect((await scrape()).get('reactor_health_status')?.samples.size).toBe(0);
  expect(check).not.toHaveBeenCalled();
});

test('readiness and liveness do not ask a capability', async () => {
  const check = vi.fn(hang);
  const { get } = setUp(subject('jobs', check));
  for (const path of ['/readyz', '/livez']) {
    const { status, headers, text } = await get(path);
    expect([status, headers.get('Cache-Control'), text]).toEqual([200, 'no-store', '{"status":"ok"}']);
  }
  expect(check).not.toHaveBeenCalled();
});

test('HEAD answers like GET without a body, over a real socket', async () => {
  const { health } = setUp(subject('jobs', async () => ({ status: 'error', reason: 'Gone.' })));
  const { url } = await listen(health.routes);
  for (const [path, status] of [
    ['/health', 503],
    ['/readyz', 200],
    ['/livez', 200],
  ] as const) {
    const response = await fetch(`${url}${path}`, { method: 'HEAD' });
    expect([path, response.status, await response.text()]).toEqual([path, status, '']);
  }
});

test('the metrics show what /health shows, and how long checks take', async () => {
  let failing = true;
  const { state, scrape } = setUp(
    subject('auth', ok),
    subject('jobs', async () => {
      state.now += 30;
      return failing ? { status: 'error', reason: 'Gone.' } : { status: 'ok' };
    }),
  );
  const status = async (name: string) =>
    (await scrape()).get('reactor_health_status')?.samples.get(`reactor_health_status{capability="${name}"}`);
  expect([await status('auth'), await status('jobs'), await status('data')]).toEqual([1, 0, undefined]);
  failing = false;
  state.now += 1000;
  expect(await status('jobs')).toBe(1);
  const durations = (await scrape()).get('reactor_health_check_duration_seconds')?.samples;
  const series = (suffix: string) => durations?.get(`reactor_health_check_duration_seconds_${suffix}`);
  expect(series('count{capability="jobs"}')).toBe(2);
  expect(series('bucket{le="0.025",capability="jobs"}')).toBe(0);
  expect(series('bucket{le="0.05",capability="jobs"}')).toBe(2);
});

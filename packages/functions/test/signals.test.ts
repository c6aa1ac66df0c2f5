import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createFilesystemBlobStore } from '@reactor/blobs';
import { createSweepMetrics, systemClock } from '@reactor/core';
import { everyMetricMoves, sample } from '@reactor/testing';
import { describe, expect, test, vi } from 'vitest';
import { functionsHealth } from '../src/index.js';
import { createTestFunctions, jsonBody, type TestFunctions } from './support/functions.js';

const TOOL = `export default async (request: Request) => {
  switch (new URL(request.url).pathname) {
    case '/exit': process.exit(3);
    case '/hang': await new Promise(() => {});
    case '/loop': for (;;);
    case '/work': for (const end = Date.now() + 100; Date.now() < end; );
  }
  return new Response('ok');
}`;

const probe = (functions: TestFunctions, name: string) =>
  functions.functions.probes.find((one) => one.name === name)?.run(AbortSignal.timeout(5_000));

test('every metric moves', async () => {
  const functions = await createTestFunctions();
  await functions.deploy('tool', TOOL, { limits: { timeout_ms: 500 }, concurrency: { max_instances: 1 } });
  const call = async (path = '') => (await functions.as(undefined)('GET', `/tool${path}`)).status;
  const { metrics } = functions.functions;
  const own = createSweepMetrics('functions');
  let version = 0;
  const deploy = () => functions.deploy('tool', `${TOOL} // ${version++}`, { limits: { timeout_ms: 500 } });
  const families = metrics.families.filter(({ name }) => !name.includes('swe'));
  /** What the system tells of processes comes a moment after the answer. */
  const later = (family: string, work: () => Promise<unknown>) => async () => {
    const values = async () => (await families.find(({ name }) => name === family)?.get())?.values;
    const before = JSON.stringify(await values());
    await work();
    await vi.waitFor(async () => expect(JSON.stringify(await values())).not.toBe(before), 5_000);
  };
  await everyMetricMoves(
    { ...metrics, families: [...own.families, ...families] },
    {
      reactor_fn_invocations_total: () => call(),
      reactor_fn_invoke_duration_seconds: () => call(),
      reactor_fn_queue_wait_seconds: () => call(),
      reactor_fn_timeouts_total: () => call('/hang'),
      reactor_fn_crashes_total: later('reactor_fn_crashes_total', () => call('/exit')),
      reactor_fn_cold_start_duration_seconds: () => call(),
      reactor_fn_warm_pool_size: later('reactor_fn_warm_pool_size', () => call('/exit')),
      reactor_fn_kills_total: later('reactor_fn_kills_total', () => call('/loop')),
      reactor_fn_process_cpu_seconds_total: later('reactor_fn_process_cpu_seconds_total', () => call('/work')),
      reactor_fn_process_resident_bytes: later('reactor_fn_process_resident_bytes', () => call('/exit')),
      reactor_fn_deployments_total: deploy,
      reactor_functions_sweeps_total: () => own.swept({ temporary: 0, orphan: 0, condemned: 0 }),
      reactor_functions_swept_files_total: () => own.swept({ temporary: 1, orphan: 1, condemned: 1 }),
    },
  );
});

test('calls of two functions are counted apart, cold ones apart from warm ones', async () => {
  const functions = await createTestFunctions();
  for (const name of ['one', 'two']) await functions.deploy(name, TOOL);
  for (const name of ['one', 'one', 'one', 'two']) await (await functions.as(undefined)('GET', `/${name}`)).text();
  const { metrics } = functions.functions;
  const calls = (name: string) =>
    sample(metrics, `reactor_fn_invocations_total{function="${name}",runtime="bun",status="ok"}`);
  const timed = (name: string, cold: boolean) =>
    sample(metrics, `reactor_fn_invoke_duration_seconds_count{function="${name}",runtime="bun",cold_start="${cold}"}`);
  expect([await calls('one'), await calls('two')]).toEqual([3, 1]);
  expect([await timed('one', true), await timed('one', false), await timed('two', true)]).toEqual([1, 2, 1]);
});

test('processes of a function rise with calls, and fall after the idle time', async () => {
  const functions = await createTestFunctions({ config: { idleTtlMs: 500 } });
  await functions.deploy('tool', TOOL);
  const size = () => sample(functions.functions.metrics, 'reactor_fn_warm_pool_size{function="tool"}');
  await functions.as(undefined)('GET', '/tool');
  expect(await size()).toBe(1);
  await vi.waitFor(async () => expect(await size()).toBe(0), 10_000);
});

describe('health', () => {
  const healthy = { ping: async () => ({ version: '18' }) };

  test('names what is missing', async () => {
    const functions = await createTestFunctions();
    const check = () => functions.functions.health.check(AbortSignal.timeout(500));
    expect(await check()).toEqual({ status: 'ok' });
    const blobs = join(functions.cacheDirectory, '..', 'blobs');
    await rename(blobs, `${blobs}-away`);
    expect(await check()).toMatchObject({ status: 'error' });
    await rename(`${blobs}-away`, blobs);
    expect(await check()).toEqual({ status: 'ok' });
  });

  test('is not about what the code of a function does', async () => {
    const functions = await createTestFunctions();
    await functions.deploy(
      'fragile',
      `if (process.env.END) process.kill(process.pid, 'SIGSEGV'); export default () => new Response('ok')`,
    );
    await functions.as('admin')('PUT', '/_admin/functions/fragile/env/END', jsonBody({ value: 'yes' }));
    expect((await functions.as(undefined)('GET', '/fragile')).status).toBe(503);
    expect(await functions.functions.health.check(AbortSignal.timeout(500))).toEqual({ status: 'ok' });
  });

  test('says so when Bun is not there, or does not start', async () => {
    const functions = await createTestFunctions();
    const healthOf = (binary: string, fault?: string) =>
      functionsHealth({ database: healthy, blobs: functions.blobs, binary, lastFault: () => fault }).check(
        AbortSignal.timeout(500),
      );
    expect(await healthOf('/nowhere/bun')).toEqual({ status: 'error', reason: 'the runtime bun is not there' });
    expect(await healthOf(process.execPath, 'signal SIGILL')).toEqual({
      status: 'error',
      reason: 'the runtime bun does not start',
    });
  });
});

describe('probes', () => {
  test('find nothing wrong with a function that answers', async () => {
    const functions = await createTestFunctions();
    await functions.deploy('tool', TOOL);
    await functions.as('admin')('PUT', '/_admin/functions/tool/env/KEY', jsonBody({ value: 'x', is_secret: true }));
    for (const { name, run } of functions.functions.probes) {
      const { status } = await run(AbortSignal.timeout(5_000));
      // Who runs the tests need not be root.
      if (name !== 'account') expect([name, status]).toEqual([name, 'ok']);
    }
  });

  test('a lost bundle', async () => {
    const functions = await createTestFunctions();
    await functions.deploy('tool', TOOL);
    for await (const { key } of functions.blobs.list('')) await functions.blobs.delete(key);
    expect(await probe(functions, 'bundles')).toMatchObject({
      status: 'fail',
      code: 'bundle_missing',
      message: 'The bundle of tool, version 1, is missing.',
    });
  });

  test('a secret that another functions.secret sealed', async () => {
    const one = await createTestFunctions();
    await one.deploy('tool', TOOL);
    await one.as('admin')('PUT', '/_admin/functions/tool/env/KEY', jsonBody({ value: 'x', is_secret: true }));
    const config = { secret: 'quite another secret of these tests' };
    const two = await createTestFunctions({ beside: one, config });
    expect(await probe(two, 'secrets')).toMatchObject({ status: 'fail', code: 'secrets_unreadable' });
    expect((await two.as(undefined)('GET', '/tool')).status).toBe(500);
    const rotated = await createTestFunctions({ beside: one, config: { ...config, formerSecrets: [one.secret] } });
    expect(await probe(rotated, 'secrets')).toMatchObject({ status: 'ok' });
    expect((await rotated.as(undefined)('GET', '/tool')).status).toBe(200);
  });

  test('all processes in use', async () => {
    const functions = await createTestFunctions({ config: { maxProcesses: 1 } });
    await functions.deploy('tool', TOOL);
    await functions.as(undefined)('GET', '/tool');
    expect(await probe(functions, 'processes')).toMatchObject({ status: 'warn', code: 'processes_exhausted' });
  });

  test('the account of the server, where functions share it', async () => {
    const functions = await createTestFunctions();
    const found = await probe(functions, 'account');
    expect(found).toMatchObject(
      process.getuid?.() === 0 ? { status: 'ok' } : { status: 'warn', code: 'functions_share_account' },
    );
  });
});

test('blobs of another store are not looked for in the cache', async () => {
  const functions = await createTestFunctions();
  await functions.deploy('tool', TOOL);
  await rm(join(functions.cacheDirectory, '..', 'blobs'), { recursive: true });
  const empty = createFilesystemBlobStore({ root: join(functions.cacheDirectory, '..', 'blobs'), clock: systemClock });
  await empty.prepare();
  // What was unpacked here still answers; another server says that it is not ready.
  expect((await functions.as(undefined)('GET', '/tool')).status).toBe(200);
  const other = await createTestFunctions({ beside: functions });
  expect((await other.as(undefined)('GET', '/tool')).status).toBe(503);
});

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { meterHandler, observationRegistry } from '@reactor/reactive-metrics';
import { prometheusRegistry } from '@reactor/reactive-metrics/prometheus';
import { Registry } from 'prom-client';
import { onTestFinished } from 'vitest';
import { temperatureFeed } from '../src/feed.js';
import { serveMetrics } from '../src/server.js';

/** The feed with two consumers, and its metrics on a free port, until the test ends. */
export async function runningFeed() {
  const target = new Registry();
  const registry = prometheusRegistry(target);
  const observations = observationRegistry({ handlers: [meterHandler(registry)] });
  const feed = temperatureFeed({ registry, observations, period: 2, readingsPerConnection: 5 });
  const consumers = [feed.readings().subscribe(), feed.stored().subscribe()];
  onTestFinished(() => {
    for (const consumer of consumers) consumer.unsubscribe();
    feed.stop();
  });
  return { registry, ...(await served(target)) };
}

/** `target` on a free port, until the test ends. */
export async function served(target: Registry) {
  const server = await serveMetrics(target, 0);
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { address: `127.0.0.1:${port}`, url: `http://127.0.0.1:${port}/metrics` };
}

/** Asks again until `condition` gives something. */
export async function eventually<T>(condition: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const result = await condition();
    if (result !== undefined) return result;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A Prometheus that scrapes `addresses` five times a second. @returns a function to ask its HTTP API */
export async function prometheus(addresses: readonly string[]) {
  assertInstalled('prometheus');
  const folder = mkdtempSync(join(tmpdir(), 'example-reactive-'));
  const targets = JSON.stringify(addresses);
  writeFileSync(
    join(folder, 'prometheus.yml'),
    `scrape_configs: [{job_name: feed, scrape_interval: 200ms, scrape_timeout: 200ms, static_configs: [{targets: ${targets}}]}]`,
  );
  const port = await freePort();
  const child: ChildProcess = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  );
  const exited = new Promise((resolve) => child.once('exit', resolve));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  });
  return async (path: string): Promise<unknown> => {
    if (child.exitCode !== null) throw new Error(`prometheus exited with ${child.exitCode}`);
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`).catch(() => undefined);
    return response?.ok ? ((await response.json()) as { data: unknown }).data : undefined;
  };
}

/** Fails with what to do, where a tool of the test is missing. */
export function assertInstalled(tool: 'prometheus' | 'promtool'): void {
  try {
    execFileSync(tool, ['--version'], { stdio: 'ignore' });
  } catch (cause) {
    throw new Error(`this test needs ${tool} on the PATH (Debian: apt-get install prometheus)`, { cause });
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

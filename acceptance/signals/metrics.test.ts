import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { temporaryDirectory } from '@reactor/testing/tools';
import { expect, onTestFinished, test } from 'vitest';
import { createBucket, putObject, signUp } from '../support/client.js';
import { REPOSITORY, startServer, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';

async function drive(server: TestServer): Promise<void> {
  const person = await signUp(server);
  await createBucket(server, 'metrics', true);
  await putObject(server, person.access_token, 'metrics/a', 'x'.repeat(1000));
  await Promise.all([
    fetch(`${server.url}/storage/v1/object/metrics/a`).then((response) => response.text()),
    fetch(`${server.url}/storage/v1/object/metrics/none`),
    fetch(`${server.url}/data/v1/nothing`),
    fetch(`${server.url}/nowhere`),
    fetch(`${server.url}/auth/v1/user`),
    fetch(`${server.url}/health`),
    server.admin('/_admin/doctor'),
  ]);
}

const loaded = await startServer();
await drive(loaded);

test('promtool has nothing to say about the scrape of a loaded server', async () => {
  const scrape = await fetch(`${loaded.url}/metrics`);
  expect(scrape.headers.get('Content-Type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const said = execFileSync('promtool', ['check', 'metrics'], {
    input: await scrape.text(),
    encoding: 'utf8',
    stdio: 'pipe',
  });
  expect(said).toBe('');
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** A Prometheus of its own with this configuration. @returns asks its HTTP API, for the `data` of the answer */
async function startPrometheus(config: string): Promise<<T>(path: string) => Promise<T>> {
  const directory = await temporaryDirectory();
  await writeFile(path.join(directory, 'prometheus.yml'), config);
  const port = await freePort();
  const prometheus = spawn(
    'prometheus',
    [
      `--config.file=${directory}/prometheus.yml`,
      `--storage.tsdb.path=${directory}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  );
  onTestFinished(async () => {
    prometheus.kill('SIGKILL');
    await once(prometheus, 'close');
  });
  return async <T>(to: string) => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/${to}`);
    return ((await response.json()) as { data: T }).data;
  };
}

const shippedJob = () => readFile(path.join(REPOSITORY, 'deploy/prometheus/prometheus.yml'), 'utf8');

test('the shipped job asks reactor.internal:8000 for /metrics every 15 s, without credentials', async () => {
  const ask = await startPrometheus(await shippedJob());
  const target = await until('the target', async () => {
    type Target = { scrapePool: string; scrapeUrl: string; scrapeInterval: string };
    return (await ask<{ activeTargets: Target[] }>('targets')).activeTargets[0];
  });
  expect(target).toMatchObject({
    scrapePool: 'reactor',
    scrapeUrl: 'http://reactor.internal:8000/metrics',
    scrapeInterval: '15s',
  });
  expect((await ask<{ yaml: string }>('status/config')).yaml).not.toMatch(/auth|bearer|credentials|password/i);
});

test('one scrape holds what the server, the database and each capability counted', async () => {
  const text = await (await fetch(`${loaded.url}/metrics`)).text();
  for (const moved of [
    'reactor_http_requests_total{capability="auth",method="POST",status="201"} 1',
    'reactor_http_requests_total{capability="data",method="GET",status="404"} 1',
    'reactor_http_requests_total{capability="storage",method="PUT",status="200"} 1',
    'reactor_http_requests_total{capability="server",method="GET",status="404"} 1',
    'reactor_auth_sign_ups_total{result="ok",reason="none"} 1',
    'reactor_data_operations_total{operation="select",result="rejected"} 1',
    'reactor_db_up{pool="system"} 1',
    'reactor_db_up{pool="requests"} 1',
    'reactor_health_status{capability="storage"} 1',
  ]) {
    expect(text.split('\n')).toContain(moved);
  }
  for (const timed of ['http_request', 'db_acquire', 'storage_backend']) {
    expect(text).toMatch(new RegExp(`^reactor_${timed}_duration_seconds_count(\\{.*\\})? [1-9]`, 'm'));
  }
  expect(text).toMatch(/^reactor_blobs_disk_size_bytes [1-9]/m);
  expect(text).toMatch(
    /^reactor_http_request_duration_seconds_count\{capability="storage",route="\/storage\/v1\/object\/:bucket\/:key"\} [1-9]/m,
  );
});

test('a real Prometheus scrapes it with the shipped job, and answers the published queries', async () => {
  const server = await startServer();
  // Only what the job tells you to replace, and a shorter wait.
  const ask = await startPrometheus(
    (await shippedJob())
      .replace('reactor.internal:8000', new URL(server.url).host)
      .replaceAll('scrape_interval: 15s', 'scrape_interval: 1s'),
  );
  const query = async (expression: string) => {
    type Series = { metric: Record<string, string>; value: [number, string] };
    return (await ask<{ result: Series[] }>(`query?${new URLSearchParams({ query: expression })}`)).result;
  };
  const first = (expression: string) =>
    until(expression, async () => {
      const result = await query(expression);
      return result.length > 0 ? result : undefined;
    });
  expect(
    (
      await until('up', async () => {
        const result = await query('up{job="reactor"}');
        return result[0]?.value[1] === '1' ? result : undefined;
      })
    )[0]?.metric.job,
  ).toBe('reactor');
  await drive(server);

  await until('a rate for every capability', async () => {
    // A rate needs traffic between two scrapes.
    await Promise.all(
      ['/auth/v1/keys', '/data/v1/nothing', '/storage/v1/object/metrics/a'].map((to) => fetch(`${server.url}${to}`)),
    );
    const result = await query('sum by (capability) (rate(reactor_http_requests_total[30s])) > 0');
    const seen = result.map(({ metric }) => metric.capability);
    return ['auth', 'data', 'storage', 'server'].every((name) => seen.includes(name)) ? true : undefined;
  });
  const p95 = await first(
    'histogram_quantile(0.95, sum by (le, capability) (rate(reactor_http_request_duration_seconds_bucket[30s]))) > 0',
  );
  expect(p95.length).toBeGreaterThan(0);
  expect(await first('reactor_db_pool_size - reactor_db_pool_idle')).toHaveLength(2);
  expect(await first('reactor_health_status{capability="storage"} == 1')).toHaveLength(1);

  const blobs = path.join(server.stateDirectory, 'blobs');
  await rename(blobs, `${blobs}.away`);
  const shares = await until('a share of server errors', async () => {
    const refused = await server.admin('/storage/v1/object/metrics/b', { method: 'PUT', body: 'x' });
    expect(refused.status).toBe(503);
    await fetch(`${server.url}/auth/v1/keys`);
    const result = await query(
      'sum by (capability) (rate(reactor_http_requests_total{status=~"5.."}[30s])) / sum by (capability) (rate(reactor_http_requests_total[30s]))',
    );
    return result.some(({ metric, value }) => metric.capability === 'storage' && Number(value[1]) > 0)
      ? new Map(result.map(({ metric, value }) => [metric.capability, Number(value[1])]))
      : undefined;
  });
  expect(shares.get('auth')).toBe(0);
});

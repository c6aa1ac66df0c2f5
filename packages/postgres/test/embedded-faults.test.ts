import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import { recordingLogger } from '../../testing/src/recording-logger.js';
import { samplesOf, valueOfFamily } from '../../testing/src/samples.js';
import { temporaryDirectory } from '../../testing/src/temporary-directory.js';
import { lockStateDirectory, readStateLock } from '../src/index.js';
import { postmasterPid, processesOn, signalServer, supervisorsOf } from './support/processes.js';
import { openPool, startServer } from './support/servers.js';

const PATIENCE = { timeout: 15_000, interval: 20 };

/** A server in a process of its own, which can be killed or frozen. */
async function serverProcess(stateDirectory: string) {
  const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  const runner = script('../../../vitest.child.mjs');
  const child = spawn(process.execPath, [runner, script('./support/child-server.ts'), stateDirectory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, ...(JSON.parse(line.toString()) as { connectionString: string }) };
}

test('after kill -9 of the server no PostgreSQL stays, and the next start recovers', async () => {
  const stateDirectory = await temporaryDirectory();
  const { child, connectionString } = await serverProcess(stateDirectory);
  await openPool(connectionString).query('CREATE TABLE kept ()');
  expect(await readStateLock(stateDirectory)).toMatchObject({ pid: child.pid });

  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(await readStateLock(stateDirectory)).toBeUndefined();
  await vi.waitFor(async () => expect(await processesOn(`${stateDirectory}/postgres`)).toEqual([]), PATIENCE);

  const next = await startServer({ stateDirectory });
  const { rows } = await openPool(next.connectionString).query("SELECT to_regclass('kept') AS found");
  expect(rows).toEqual([{ found: 'kept' }]);
});

test('a PostgreSQL that an earlier server left running is stopped first', async () => {
  const stateDirectory = await temporaryDirectory();
  const { child, connectionString } = await serverProcess(stateDirectory);
  await openPool(connectionString).query('CREATE TABLE kept ()');
  const dataDirectory = `${stateDirectory}/postgres/data`;
  const left = await postmasterPid(dataDirectory);
  // Frozen, it does not restart its PostgreSQL; without the shells beside it, nothing ends that one.
  child.kill('SIGSTOP');
  for (const pid of await supervisorsOf(dataDirectory)) process.kill(pid, 'SIGKILL');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const { logger, lines } = recordingLogger();
  const next = await startServer({ stateDirectory, logger });
  expect(await postmasterPid(dataDirectory)).not.toBe(left);
  expect(lines).toContainEqual(expect.objectContaining({ level: 'warn', fields: { pid: left } }));
  const { rows } = await openPool(next.connectionString).query("SELECT to_regclass('kept') AS found");
  expect(rows).toEqual([{ found: 'kept' }]);
});

test.each([
  ['works', undefined],
  ['is frozen', 'SIGSTOP'],
] as const)('the PostgreSQL of a server that lost its lock and %s is left alone', async (_, signal) => {
  const stateDirectory = await temporaryDirectory();
  const { child, connectionString } = await serverProcess(stateDirectory);
  const pool = openPool(connectionString);
  const dataDirectory = `${stateDirectory}/postgres/data`;
  const postmaster = await postmasterPid(dataDirectory);
  await rm(`${stateDirectory}/server.pid`);
  if (signal !== undefined) child.kill(signal);
  const lock = await lockStateDirectory(stateDirectory);
  await expect(startServer({ stateDirectory })).rejects.toMatchObject({
    code: 'data_directory_in_use',
    message: expect.stringContaining(`pid ${child.pid}`),
  });
  await lock.release();
  expect(await postmasterPid(dataDirectory)).toBe(postmaster);
  expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});

test('so is its socket where that lies outside of the state directory', async () => {
  const stateDirectory = join(await temporaryDirectory(), 'x'.repeat(90));
  await mkdir(stateDirectory);
  const postgres = await startServer({ stateDirectory });
  await expect(startServer({ stateDirectory })).rejects.toMatchObject({
    code: 'data_directory_in_use',
    message: expect.stringContaining(`pid ${process.pid}`),
  });
  expect((await openPool(postgres.connectionString).query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});

test('after kill -9 of the postmaster it is restarted, and the pool recovers', async () => {
  const { logger, lines } = recordingLogger();
  const postgres = await startServer({ logger });
  const pool = openPool(postgres.connectionString, { logger });
  await pool.query('CREATE TABLE kept ()');
  const killed = await postmasterPid(postgres.dataDirectory);
  process.kill(killed, 'SIGKILL');

  await vi.waitFor(async () => {
    const failure = await pool.query('SELECT 1').catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'database_unavailable', status: 503 });
    expect(await valueOfFamily(postgres.metrics, 'reactor_db_embedded_up')).toBe(0);
  }, PATIENCE);
  await vi.waitFor(async () => expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]), PATIENCE);
  expect(await valueOfFamily(postgres.metrics, 'reactor_db_embedded_up')).toBe(1);
  expect(await valueOfFamily(postgres.metrics, 'reactor_db_embedded_restarts_total')).toBeGreaterThanOrEqual(1);
  expect((await pool.query("SELECT to_regclass('kept') AS found")).rows).toEqual([{ found: 'kept' }]);
  expect(await postmasterPid(postgres.dataDirectory)).not.toBe(killed);
  expect(lines.map(({ message }) => message)).toEqual(
    expect.arrayContaining(['PostgreSQL died; restarting', 'PostgreSQL is back', 'database reachable again']),
  );
  expect(lines.find(({ message }) => message === 'PostgreSQL died; restarting')?.fields).toMatchObject({
    how: 'signal SIGKILL',
  });
});

test('stop during the back-off ends it', async () => {
  const postgres = await startServer();
  process.kill(await postmasterPid(postgres.dataDirectory), 'SIGKILL');
  await vi.waitFor(async () => {
    expect(await samplesOf(postgres.metrics, 'reactor_db_embedded_up')).toEqual({ reactor_db_embedded_up: 0 });
  }, PATIENCE);
  await postgres.stop(AbortSignal.timeout(10_000));
  await vi.waitFor(async () => expect(await processesOn(postgres.dataDirectory)).toEqual([]), PATIENCE);
  expect(await valueOfFamily(postgres.metrics, 'reactor_db_embedded_restarts_total')).toBe(0);
});

test('a frozen server: ping gives up with its signal, and works again after SIGCONT', async () => {
  const postgres = await startServer();
  const pool = openPool(postgres.connectionString, { acquireTimeoutMs: 200 });
  await pool.query('SELECT 1');
  await signalServer(postgres.dataDirectory, 'SIGSTOP');
  onTestFinished(() => signalServer(postgres.dataDirectory, 'SIGCONT').catch(() => {}));

  const start = performance.now();
  await expect(pool.ping(AbortSignal.timeout(300))).rejects.toMatchObject({ code: 'database_unavailable' });
  expect(performance.now() - start).toBeLessThan(1_000);
  expect(await valueOfFamily(pool.metrics, 'reactor_db_up')).toBe(0);

  await signalServer(postgres.dataDirectory, 'SIGCONT');
  expect((await pool.ping(AbortSignal.timeout(5_000))).version).toBe(postgres.version);
  expect(await valueOfFamily(pool.metrics, 'reactor_db_up')).toBe(1);
  expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});

test('a deadline that others used up still leaves time to shut down, so that the next start has nothing to recover', async () => {
  const stateDirectory = await temporaryDirectory();
  const postgres = await startServer({ stateDirectory });
  await openPool(postgres.connectionString).query('CREATE TABLE kept ()');
  await postgres.stop(AbortSignal.abort());
  await vi.waitFor(async () => expect(await processesOn(postgres.dataDirectory)).toEqual([]), PATIENCE);
  const { logger, lines } = recordingLogger();
  await startServer({ stateDirectory, logger });
  const said = lines.map(({ fields }) => String(fields.detail));
  expect(said).toContainEqual(expect.stringContaining('database system was shut down at'));
  expect(said).not.toContainEqual(expect.stringContaining('not properly shut down'));
});

test('a frozen server is killed when the deadline of stop comes, and the next start recovers', async () => {
  const stateDirectory = await temporaryDirectory();
  const postgres = await startServer({ stateDirectory });
  await openPool(postgres.connectionString).query('CREATE TABLE kept ()');
  await signalServer(postgres.dataDirectory, 'SIGSTOP');
  const backends = await processesOn(postgres.dataDirectory);
  await postgres.stop(AbortSignal.timeout(100));
  await vi.waitFor(async () => {
    const left = await processesOn(postgres.dataDirectory);
    expect(left.filter((pid) => backends.includes(pid))).toEqual([]);
  }, PATIENCE);
  const next = await startServer({ stateDirectory });
  const { rows } = await openPool(next.connectionString).query("SELECT to_regclass('kept') AS found");
  expect(rows).toEqual([{ found: 'kept' }]);
});

test('waiting for a database ends when it comes up', async () => {
  const stateDirectory = await temporaryDirectory();
  const first = await startServer({ stateDirectory });
  await first.stop(AbortSignal.timeout(10_000));
  const pool = openPool(first.connectionString);
  const { logger } = recordingLogger();
  const ready = pool.waitUntilReady(AbortSignal.timeout(20_000));
  await expect(pool.ping(AbortSignal.timeout(1_000))).rejects.toMatchObject({ code: 'database_unavailable' });
  await startServer({ stateDirectory, logger });
  expect((await ready).version).toBe(first.version);
});

import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createBucket, doctor, health, putObject, rootCauses, signUp } from '../support/client.js';
import { connectDatabase } from '../support/database.js';
import { makeFull, makeReadOnly } from '../support/mount.js';
import { postmasterOf, processes } from '../support/processes.js';
import { startServer, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';

async function healthy(server: TestServer) {
  await until('health to be ok again', async () => ((await health(server)).status === 200 ? true : undefined));
  const report = await until('doctor to be ok again', async () => {
    const found = await doctor(server);
    return found.status === 200 ? found : undefined;
  });
  expect(rootCauses(report.body)).toEqual([]);
}

async function failing(server: TestServer) {
  const answer = await until('health to fail', async () => {
    const found = await health(server);
    expect(found.tookMs).toBeLessThan(1000);
    return found.status === 503 ? found : undefined;
  });
  expect(answer.body.status).toBe('error');
  expect(Object.keys(answer.body.errors ?? {})).toEqual(answer.body.failing);
  for (const [name, state] of Object.entries(answer.body.capabilities)) {
    expect(state).toBe(answer.body.failing?.includes(name) ? 'error' : 'ok');
  }
  expect((await fetch(`${server.url}/livez`)).status).toBe(200);
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  return answer.body;
}

test('a frozen database: every capability fails within a second, one root cause, all returns when it thaws', async () => {
  const server = await startServer();
  const postmaster = await postmasterOf(server.stateDirectory);
  onTestFinished(() => signalAll(postmaster, 'SIGCONT'));
  await signalAll(postmaster, 'SIGSTOP');
  expect((await failing(server)).failing).toEqual(['auth', 'data', 'storage', 'functions']);
  const report = await doctor(server);
  expect(report.status).toBe(207);
  expect(rootCauses(report.body)).toEqual(['auth.db_ping']);
  const cause = report.body.auth?.checks.find(({ name }) => name === 'db_ping');
  expect(cause?.remedy).toBeTruthy();
  for (const name of ['data', 'storage', 'functions'])
    expect([name, report.body[name]?.status]).toEqual([name, 'fail']);
  await signalAll(postmaster, 'SIGCONT');
  await healthy(server);
});

test('a killed embedded database comes back by itself, with what was acknowledged', async () => {
  const server = await startServer();
  const person = await signUp(server);
  await createBucket(server, 'kept');
  expect((await putObject(server, person.access_token, 'kept/a.txt', 'whole')).status).toBe(200);
  process.kill(await postmasterOf(server.stateDirectory), 'SIGKILL');
  await healthy(server);
  const read = await fetch(`${server.url}/storage/v1/object/kept/a.txt`, {
    headers: { Authorization: `Bearer ${person.access_token}` },
  });
  expect(await read.text()).toBe('whole');
});

test('the blob folder gone: storage and functions fail and nothing else, and recovers when it is back', async () => {
  const server = await startServer();
  const blobs = path.join(server.stateDirectory, 'blobs');
  await createBucket(server, 'things');
  const person = await signUp(server);
  await rename(blobs, `${blobs}.away`);
  expect((await failing(server)).failing).toEqual(['storage', 'functions']);
  const report = await doctor(server);
  expect(rootCauses(report.body)).toEqual(['storage.fs_writable']);
  expect(report.body.storage?.checks.find(({ name }) => name === 'fs_writable')?.remedy).toBeTruthy();
  const refused = await putObject(server, person.access_token, 'things/a', 'x');
  expect(refused.status).toBe(503);
  await rm(blobs, { recursive: true, force: true });
  await rename(`${blobs}.away`, blobs);
  await healthy(server);
  expect((await putObject(server, person.access_token, 'things/a', 'x')).status).toBe(200);
});

test('the blob folder read-only: storage and functions fail and nothing else, and recovers', async () => {
  const server = await startServer();
  const blobs = path.join(server.stateDirectory, 'blobs');
  // Permission bits do not hold root back: there, the folder becomes a read-only mount.
  const restore = await makeReadOnly(blobs);
  let restored = false;
  onTestFinished(async () => {
    if (!restored) await restore();
  });
  expect((await failing(server)).failing).toEqual(['storage', 'functions']);
  expect(rootCauses((await doctor(server)).body)).toEqual(['storage.fs_writable']);
  await restore();
  restored = true;
  await healthy(server);
});

// Only root may mount; what a full disk answers otherwise is in the tests of storage.
test.runIf(process.getuid?.() === 0)(
  'the disk full: storage and functions fail and nothing else, and recovers',
  async () => {
    const server = await startServer();
    await createBucket(server, 'things');
    const person = await signUp(server);
    const restore = makeFull(path.join(server.stateDirectory, 'blobs'));
    let restored = false;
    onTestFinished(() => {
      if (!restored) restore();
    });
    expect((await failing(server)).errors).toEqual({
      storage: 'the blob folder is full',
      functions: 'the blob folder is full',
    });
    expect(rootCauses((await doctor(server)).body)).toEqual(['storage.disk_space']);
    expect((await putObject(server, person.access_token, 'things/a', 'x')).status).toBe(507);
    restore();
    restored = true;
    await healthy(server);
  },
);

test('a pending migration fails doctor by its name, and takes nobody out of service', async () => {
  const server = await startServer();
  const { client, ledger } = await connectDatabase(server);
  await client.query(`CREATE TEMP TABLE kept AS SELECT * FROM ${ledger} WHERE owner = 'storage'`);
  await client.query(`DELETE FROM ${ledger} WHERE owner = 'storage'`);
  const report = await doctor(server);
  expect(report.status).toBe(207);
  expect(rootCauses(report.body)).toEqual(['storage.migrations']);
  expect((await health(server)).status).toBe(200);
  await client.query(`INSERT INTO ${ledger} SELECT * FROM kept`);
  await healthy(server);
});

/** The postmaster and its children: with only the first frozen, open connections would go on answering. */
async function signalAll(postmaster: number, signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
  for (const { pid, parent } of await processes()) {
    if (pid === postmaster || parent === postmaster) process.kill(pid, signal);
  }
}

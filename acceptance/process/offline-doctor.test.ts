import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { type Doctor, rootCauses } from '../support/client.js';
import { makeReadOnly } from '../support/mount.js';
import { processesOf } from '../support/processes.js';
import { projectDirectory, runServer, startServer } from '../support/server.js';
import { until } from '../support/until.js';

async function stoppedServer() {
  const server = await startServer();
  expect(await server.end('SIGTERM')).toBe(0);
  return server;
}

async function doctorOf(directory: string) {
  const { code, stdout, stderr } = await runServer(directory, ['doctor', '--json']);
  return { code, stderr, report: JSON.parse(stdout) as Doctor };
}

test('with the server down it runs the same probes and leaves nothing behind', async () => {
  const { directory, stateDirectory } = await stoppedServer();
  const { code, report } = await doctorOf(directory);
  expect(code).toBe(0);
  expect(Object.keys(report)).toEqual(['auth', 'data', 'storage', 'functions', 'server']);
  await until('every process to end', async () => (await processesOf(stateDirectory)).length === 0 || undefined);
  expect(existsSync(path.join(stateDirectory, 'server.pid'))).toBe(false);
});

test('a database that cannot start is a finding with its remedy, not the end', async () => {
  const { directory, stateDirectory } = await stoppedServer();
  await writeFile(path.join(stateDirectory, 'postgres', 'data', 'PG_VERSION'), '17\n');
  const { code, report } = await doctorOf(directory);
  expect(code).toBe(1);
  expect(rootCauses(report)).toEqual(['auth.db_ping']);
  expect(report.auth?.checks.find(({ name }) => name === 'db_ping')?.message).toContain('PostgreSQL 17');
});

test('a state directory that cannot be written is a finding too', async () => {
  const { directory, stateDirectory } = await stoppedServer();
  const restore = await makeReadOnly(stateDirectory);
  try {
    const { code, report } = await doctorOf(directory);
    expect(code).toBe(1);
    expect(rootCauses(report)).toContain('storage.fs_writable');
  } finally {
    await restore();
  }
});

test('where no server ever ran it says so and makes nothing', async () => {
  const directory = await projectDirectory();
  const { code, stderr } = await runServer(directory, ['doctor']);
  expect(code).toBe(2);
  expect(stderr).toContain('--state-dir');
  expect(existsSync(path.join(directory, '.reactor'))).toBe(false);
});

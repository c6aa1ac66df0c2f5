import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { appendFile, chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLogger, systemClock } from '@reactor/core';
import { expect, onTestFinished, test, vi } from 'vitest';
import { recordingLogger } from '../../testing/src/recording-logger.js';
import { samplesOf } from '../../testing/src/samples.js';
import { temporaryDirectory } from '../../testing/src/temporary-directory.js';
import { EmbeddedPostgresError, startEmbeddedPostgres } from '../src/index.js';
import { processesOn } from './support/processes.js';
import { openPool, startServer } from './support/servers.js';

const soon = () => AbortSignal.timeout(10_000);
const start = (stateDirectory: string) =>
  startEmbeddedPostgres({ stateDirectory, logger: silentLogger, clock: systemClock });

async function refusal(stateDirectory: string): Promise<EmbeddedPostgresError> {
  const error = await start(stateDirectory).catch((reason: unknown) => reason);
  if (!(error instanceof EmbeddedPostgresError)) throw error;
  expect(error.message).toContain(error.remedy);
  return error;
}

test('creates the database once, keeps it under the state directory, and stops without a trace', async () => {
  const stateDirectory = await temporaryDirectory();
  const { logger, lines } = recordingLogger();
  const first = await startServer({ stateDirectory, logger });
  expect(first.dataDirectory).toBe(join(stateDirectory, 'postgres', 'data'));
  expect(first.version).toMatch(/^18\./);
  expect(statSync(join(stateDirectory, 'postgres')).mode & 0o777).toBe(0o700);
  expect(statSync(join(stateDirectory, 'postgres', 'run')).mode & 0o777).toBe(0o700);
  expect(await samplesOf(first.metrics, 'reactor_db_embedded_up')).toEqual({ reactor_db_embedded_up: 1 });

  const pool = openPool(first.connectionString);
  await pool.query('CREATE TABLE kept (n int)');
  const { rows } = await pool.query(
    "SELECT current_setting('listen_addresses') AS tcp, current_setting('TimeZone') AS zone, getdatabaseencoding() AS encoding",
  );
  expect(rows).toEqual([{ tcp: '', zone: 'UTC', encoding: 'UTF8' }]);
  await pool.close();
  await Promise.all([first.stop(soon()), first.stop(soon())]);
  expect(await samplesOf(first.metrics, 'reactor_db_embedded_up')).toEqual({ reactor_db_embedded_up: 0 });
  await vi.waitFor(async () => expect(await processesOn(stateDirectory)).toEqual([]), { timeout: 15_000 });
  expect(readFileSync(join(first.dataDirectory, 'PG_VERSION'), 'utf8').trim()).toBe('18');
  expect(existsSync(join(first.dataDirectory, 'postmaster.pid'))).toBe(false);
  expect(lines.map(({ message }) => message)).toEqual(
    expect.arrayContaining(['created the database', 'PostgreSQL started']),
  );
  expect(lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);

  const second = await startServer({ stateDirectory });
  const again = openPool(second.connectionString);
  expect((await again.query("SELECT to_regclass('kept') AS found")).rows).toEqual([{ found: 'kept' }]);
});

test('statements and values stay out of its log', async () => {
  const { logger, lines } = recordingLogger();
  const postgres = await startServer({ logger });
  const pool = openPool(postgres.connectionString);
  await pool.query("CREATE TABLE users (mail text UNIQUE); INSERT INTO users VALUES ('someone@example.com')");
  await expect(pool.query("INSERT INTO users VALUES ('someone@example.com')")).rejects.toMatchObject({ code: '23505' });
  await pool.close();
  await postgres.stop(soon());
  expect(lines.map(({ fields }) => fields)).toContainEqual(
    expect.objectContaining({ severity: 'ERROR', detail: expect.stringContaining('duplicate key') }),
  );
  expect(JSON.stringify(lines)).not.toContain('someone@example.com');
});

test('runs in a folder with any name', async () => {
  const stateDirectory = join(await temporaryDirectory(), `a space, "quotes' and $dollars ü`);
  await mkdir(stateDirectory);
  const postgres = await startServer({ stateDirectory });
  expect(postgres.dataDirectory).toBe(join(stateDirectory, 'postgres', 'data'));
  expect((await openPool(postgres.connectionString).query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});

test('a path too long for a socket moves the socket, not the data', async () => {
  const stateDirectory = join(await temporaryDirectory(), 'x'.repeat(90));
  await mkdir(stateDirectory);
  const postgres = await startServer({ stateDirectory });
  const socketDirectory = new URL(postgres.connectionString.replace('@/', '@h/')).searchParams.get('host') as string;
  expect(socketDirectory).toMatch(/^\/tmp\/reactor-[0-9a-f]{12}$/);
  expect(statSync(socketDirectory).mode & 0o777).toBe(0o700);
  expect(postgres.dataDirectory).toBe(join(stateDirectory, 'postgres', 'data'));
  await openPool(postgres.connectionString).query('SELECT 1');
  await postgres.stop(soon());
  expect(existsSync(socketDirectory)).toBe(false);
});

test('a data directory of another major version is refused with the way out, untouched', async () => {
  const stateDirectory = await temporaryDirectory();
  const dataDirectory = join(stateDirectory, 'postgres', 'data');
  await mkdir(dataDirectory, { recursive: true });
  await writeFile(join(dataDirectory, 'PG_VERSION'), '15\n');
  const error = await refusal(stateDirectory);
  expect(error.code).toBe('other_major_version');
  expect(error.message).toMatch(/was made by PostgreSQL 15, this release brings PostgreSQL 18.*pg_dumpall/);
  expect(readdirSync(dataDirectory)).toEqual(['PG_VERSION']);
});

test('a folder that is no data directory is refused, untouched', async () => {
  const stateDirectory = await temporaryDirectory();
  const dataDirectory = join(stateDirectory, 'postgres', 'data');
  await mkdir(dataDirectory, { recursive: true });
  await writeFile(join(dataDirectory, 'notes.txt'), 'mine');
  expect((await refusal(stateDirectory)).code).toBe('not_a_data_directory');
  expect(readFileSync(join(dataDirectory, 'notes.txt'), 'utf8')).toBe('mine');
});

test('an initialisation that was cut short is begun anew', async () => {
  const stateDirectory = await temporaryDirectory();
  const partial = join(stateDirectory, 'postgres', 'data.partial');
  await mkdir(partial, { recursive: true });
  await writeFile(join(partial, 'PG_VERSION'), '18\n');
  const postgres = await startServer({ stateDirectory });
  await openPool(postgres.connectionString).query('SELECT 1');
  expect(existsSync(partial)).toBe(false);
});

test('damaged files are named as such', async () => {
  const stateDirectory = await temporaryDirectory();
  const postgres = await startServer({ stateDirectory });
  await postgres.stop(soon());
  await writeFile(join(postgres.dataDirectory, 'global', 'pg_control'), '');
  const error = await refusal(stateDirectory);
  expect(error.code).toBe('data_corrupted');
  expect(error.message).toContain('backup');
});

test('a state directory that cannot hold the database is named', async () => {
  const stateDirectory = await temporaryDirectory();
  await writeFile(join(stateDirectory, 'postgres'), 'a file where the folder should be');
  const error = await refusal(stateDirectory);
  expect(error.code).toBe('directory_unusable');
  expect(error.message).toContain('[server] state_dir');
});

test('a pid file whose pid now belongs to another process is no obstacle', async () => {
  const stateDirectory = await temporaryDirectory();
  const postgres = await startServer({ stateDirectory });
  const pidFile = readFileSync(join(postgres.dataDirectory, 'postmaster.pid'), 'utf8');
  await postgres.stop(soon());
  // The first line is the pid; ours is alive and is no PostgreSQL.
  await writeFile(join(postgres.dataDirectory, 'postmaster.pid'), pidFile.replace(/^\d+/, String(process.ppid)));
  const again = await startServer({ stateDirectory });
  await openPool(again.connectionString).query('SELECT 1');
});

test('a configuration file with errors is named with its line', async () => {
  const stateDirectory = await temporaryDirectory();
  const postgres = await startServer({ stateDirectory });
  await postgres.stop(soon());
  await appendFile(join(postgres.dataDirectory, 'postgresql.conf'), '\nno_such_setting = 1\n');
  const error = await refusal(stateDirectory);
  expect(error.code).toBe('configuration_invalid');
  expect(error.message).toMatch(/no_such_setting.*postgresql\.conf.*line \d+/);
});

test('a data directory that must not be written is named', async () => {
  const stateDirectory = await temporaryDirectory();
  const postgres = await startServer({ stateDirectory });
  await postgres.stop(soon());
  await chmod(postgres.dataDirectory, 0o500);
  onTestFinished(() => chmod(postgres.dataDirectory, 0o700));
  expect((await refusal(stateDirectory)).code).toBe('directory_unusable');
});

import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { chmod, cp, lstat, mkdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { silentLogger, systemClock } from '@reactor/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { recordingLogger } from '../../testing/src/recording-logger.js';
import { temporaryDirectory } from '../../testing/src/temporary-directory.js';
import { choosePostgresAccount } from '../src/embedded/account.js';
import { locateBinaries, usableBinaries } from '../src/embedded/binaries.js';
import { type EmbeddedPostgresError, startEmbeddedPostgres } from '../src/index.js';
import { postmasterPid } from './support/processes.js';
import { openPool, startServer } from './support/servers.js';

/** A folder that only root can enter, as /root is, with a state directory in it. */
async function insideClosedFolder(): Promise<string> {
  const closed = join(await temporaryDirectory(), 'closed');
  mkdirSync(closed, { mode: 0o700 });
  const stateDirectory = join(closed, 'state');
  mkdirSync(stateDirectory, { mode: 0o700 });
  onTestFinished(async () => {
    const home = join(stateDirectory, 'postgres');
    const isLink = await lstat(home).then(
      (stats) => stats.isSymbolicLink(),
      () => false,
    );
    if (isLink) await rm(realpathSync(home), { recursive: true });
  });
  return stateDirectory;
}

// PostgreSQL refuses to be root, so that as another user there is nothing to see here.
describe.runIf(process.getuid?.() === 0)('started by root', () => {
  test('runs under another account, which passes through the state directory without reading it', async () => {
    const stateDirectory = join(await temporaryDirectory(), 'state');
    await mkdir(stateDirectory, { mode: 0o700 });
    const postgres = await startServer({ stateDirectory });
    const status = readFileSync(`/proc/${await postmasterPid(postgres.dataDirectory)}/status`, 'utf8');
    expect(status).toMatch(/^Uid:\t[1-9]/m);
    expect((await lstat(stateDirectory)).mode & 0o777).toBe(0o711);
    expect((await lstat(dirname(postgres.dataDirectory))).mode & 0o777).toBe(0o700);
  });

  test('keeps the database below /var/lib/reactor when its account cannot enter, and says so', async () => {
    const stateDirectory = await insideClosedFolder();
    const { logger, lines } = recordingLogger();
    const first = await startServer({ stateDirectory, logger });
    expect(first.dataDirectory).toMatch(/^\/var\/lib\/reactor\/database-\w+\/data$/);
    expect(realpathSync(join(stateDirectory, 'postgres'))).toBe(dirname(first.dataDirectory));
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        message: expect.stringContaining('backup'),
        fields: expect.objectContaining({ database_directory: dirname(first.dataDirectory) }),
      }),
    );
    await openPool(first.connectionString).query('CREATE TABLE kept ()');
    await first.stop(AbortSignal.timeout(10_000));

    const second = await startServer({ stateDirectory });
    expect(second.dataDirectory).toBe(first.dataDirectory);
    const { rows } = await openPool(second.connectionString).query("SELECT to_regclass('kept') AS found");
    expect(rows).toEqual([{ found: 'kept' }]);
  });

  test('a copy of the state directory without the folder its link leads to is refused, with the way out', async () => {
    const stateDirectory = await insideClosedFolder();
    const first = await startServer({ stateDirectory });
    await first.stop(AbortSignal.timeout(10_000));
    const copy = join(await temporaryDirectory(), 'state');
    await cp(stateDirectory, copy, { recursive: true, verbatimSymlinks: true });
    const target = dirname(first.dataDirectory);
    await rm(target, { recursive: true });
    const link = join(copy, 'postgres');
    await expect(startServer({ stateDirectory: copy })).rejects.toMatchObject({
      code: 'directory_unusable',
      message: expect.stringContaining(`${link} is a link to ${target}`),
      remedy: expect.stringContaining('remove the link'),
    });
    await rm(link);
    await openPool((await startServer({ stateDirectory: copy })).connectionString).query('SELECT 1');
    await rm(join(stateDirectory, 'postgres'));
  });

  test('an archive that follows the link is complete, and can be restored where it came from', async () => {
    const stateDirectory = await insideClosedFolder();
    const first = await startServer({ stateDirectory });
    await openPool(first.connectionString).query('CREATE TABLE kept ()');
    await first.stop(AbortSignal.timeout(10_000));
    const parent = dirname(stateDirectory);
    const sh = (command: string) => promisify(execFile)('/bin/sh', ['-ec', command], { cwd: parent });
    await sh('tar czhf backup.tgz state');
    await rm(dirname(first.dataDirectory), { recursive: true });
    await rm(stateDirectory, { recursive: true });
    await sh('tar xzf backup.tgz');

    const refusal: unknown = await startServer({ stateDirectory }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'directory_unusable', remedy: expect.stringContaining('mkdir') });
    await sh((refusal as EmbeddedPostgresError).remedy.replace(/^.*(?=mkdir)/, ''));
    const second = await startServer({ stateDirectory });
    const { rows } = await openPool(second.connectionString).query("SELECT to_regclass('kept') AS found");
    expect(rows).toEqual([{ found: 'kept' }]);
  });

  test('copies its programs to /var/lib/reactor when its account cannot reach them', async () => {
    const account = await choosePostgresAccount('/nonexistent');
    const closed = join(await temporaryDirectory(), 'closed');
    mkdirSync(closed, { mode: 0o700 });
    await cp(await locateBinaries(), join(closed, 'native'), { recursive: true, verbatimSymlinks: true });
    const { logger, lines } = recordingLogger();
    const { version, postgres } = await usableBinaries(join(closed, 'native'), account, logger);
    const copy = `/var/lib/reactor/postgresql-${version}`;
    onTestFinished(() => rm(copy, { recursive: true }));
    expect(postgres).toBe(`${copy}/bin/postgres`);
    expect(lines).toMatchObject([{ level: 'warn', fields: { folder: join(closed, 'native'), copy } }]);
    expect(readdirSync('/var/lib/reactor').filter((name) => name.startsWith('postgresql-'))).toEqual([basename(copy)]);
    expect((await usableBinaries(join(closed, 'native'), account, logger)).postgres).toBe(postgres);
  });

  test('programs that do not run are named with the way out', async () => {
    const root = await temporaryDirectory();
    await expect(usableBinaries(root, undefined, silentLogger)).rejects.toMatchObject({
      code: 'binaries_unusable',
      message: expect.stringContaining('[database] url'),
    });
  });

  test('refuses to start empty when its account can no longer enter', async () => {
    const stateDirectory = await temporaryDirectory();
    const postgres = await startServer({ stateDirectory });
    await postgres.stop(AbortSignal.timeout(10_000));
    const closed = join(await temporaryDirectory(), 'closed');
    mkdirSync(closed, { mode: 0o700 });
    await cp(stateDirectory, join(closed, 'state'), { recursive: true });
    const start = startEmbeddedPostgres({
      stateDirectory: join(closed, 'state'),
      logger: silentLogger,
      clock: systemClock,
    });
    await expect(start).rejects.toMatchObject({ code: 'directory_unusable', remedy: expect.stringContaining('chmod') });
    await chmod(closed, 0o711);
  });
});

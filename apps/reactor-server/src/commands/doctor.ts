import { existsSync } from 'node:fs';
import path from 'node:path';
import { type DoctorReport, EXIT, hasFailure, systemClock } from '@reactor/core';
import { renderDoctorReport } from '@reactor/core/terminal';
import { createLogging, type Logging, runDoctor } from '@reactor/observability';
import { lockStateDirectory, readStateLock, StateDirectoryLockedError } from '@reactor/postgres';
import type { Settings } from '../config/settings.js';
import { doctorSubjects } from '../doctor-subjects.js';
import { ExitError } from '../exit.js';
import { assemble, type Databases, openConfiguredDatabase, openSecrets } from '../platform.js';
import { callRunningServer } from '../running-server.js';
import { unavailableDatabase } from '../unavailable-database.js';

/**
 * Prints what every probe finds.
 * @returns the exit code: 1 when something fails
 */
export async function doctor(settings: Settings, options: { readonly json: boolean }): Promise<number> {
  const running = await readStateLock(settings.config.stateDirectory);
  const report =
    running === undefined
      ? await diagnoseAlone(settings)
      : ((await callRunningServer(running, settings, 'GET', '/_admin/doctor')).body as DoctorReport);
  process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : renderDoctorReport(report));
  return hasFailure(report) ? 1 : 0;
}

/**
 * The same probes with the server down: opens the database for as long as they take; starts, applies and writes
 * nothing. What keeps the database from opening is a finding, not the end.
 */
async function diagnoseAlone(settings: Settings): Promise<DoctorReport> {
  const { stateDirectory, database } = settings.config;
  if (database.url === undefined && !existsSync(path.join(stateDirectory, 'postgres'))) {
    throw new ExitError(
      EXIT.configuration,
      `no server was ever started with ${stateDirectory}; name its folder with --state-dir, or start it first`,
    );
  }
  const logging = createLogging({ filter: 'off', fmt: 'pretty', destination: process.stderr, clock: systemClock });
  const opened = await openToLook(settings, logging);
  try {
    const assembly = assemble(settings, await openSecrets(settings, false), logging, opened);
    return await runDoctor(doctorSubjects(settings, assembly), {
      logger: logging.logger('reactor_server'),
      clock: systemClock,
    });
  } finally {
    await opened.close();
    await logging.close();
  }
}

async function openToLook(settings: Settings, logging: Logging): Promise<Databases & { close(): Promise<void> }> {
  let release = async () => {};
  try {
    const lock = await lockStateDirectory(settings.config.stateDirectory);
    release = () => lock.release();
    const { close, ...opened } = await openConfiguredDatabase(settings, logging);
    return {
      ...opened,
      async close() {
        await close(AbortSignal.timeout(10_000));
        await release();
      },
    };
  } catch (error) {
    await release();
    if (error instanceof StateDirectoryLockedError) throw new ExitError(EXIT.configuration, error.message);
    return { database: unavailableDatabase((error as Error).message), close: async () => {} };
  }
}

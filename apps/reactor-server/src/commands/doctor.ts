import { systemClock } from '@reactor/core';
import { createLogging, type DoctorReport, renderDoctorReport, runDoctor } from '@reactor/observability';
import { lockStateDirectory, readStateLock } from '@reactor/postgres';
import type { Settings } from '../config/settings.js';
import { doctorSubjects, openPlatform, openSecrets } from '../platform.js';
import { callRunningServer } from '../running-server.js';

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
  return Object.values(report).some(({ status }) => status === 'fail') ? 1 : 0;
}

/** The same probes with the server down: opens the database for as long as they take, applies and starts nothing. */
async function diagnoseAlone(settings: Settings): Promise<DoctorReport> {
  const logging = createLogging({ filter: 'error', fmt: 'pretty', destination: process.stderr, clock: systemClock });
  const lock = await lockStateDirectory(settings.config.stateDirectory);
  try {
    const platform = await openPlatform(settings, await openSecrets(settings), logging);
    try {
      const context = { logger: logging.logger('reactor_server'), clock: systemClock };
      return await runDoctor(doctorSubjects(platform), context);
    } finally {
      await platform.close(AbortSignal.timeout(10_000));
    }
  } finally {
    await lock.release();
    await logging.close();
  }
}

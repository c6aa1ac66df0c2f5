import { EXIT, exitCodeOf, systemClock } from '@reactor/core';
import { createLogging } from '@reactor/observability';
import { lockStateDirectory, type MigrationName, readStateLock } from '@reactor/postgres';
import type { Settings } from '../config/settings.js';
import { ExitError } from '../exit.js';
import { applyMigrations } from '../migrations.js';
import { awaitDatabase, openPlatform, openSecrets } from '../platform.js';
import { callRunningServer } from '../running-server.js';

/** Applies what is pending: through the running server when there is one, else by opening the database itself. */
export async function migrateDatabase(settings: Settings): Promise<void> {
  const running = await readStateLock(settings.config.stateDirectory);
  if (running !== undefined) {
    const { applied } = (await callRunningServer(running, settings, 'POST', '/_admin/migrate')).body as {
      applied: MigrationName[];
    };
    print(applied);
    return;
  }
  const logging = createLogging({ filter: 'warn', fmt: 'pretty', destination: process.stderr, clock: systemClock });
  const lock = await lockStateDirectory(settings.config.stateDirectory);
  try {
    const platform = await openPlatform(settings, await openSecrets(settings), logging);
    try {
      await awaitDatabase(platform, new AbortController().signal);
      print(
        await applyMigrations(platform, logging).catch((error: Error) => {
          throw new ExitError(exitCodeOf(error, EXIT.migrationFailed), error.message, { cause: error });
        }),
      );
    } finally {
      await platform.close(AbortSignal.timeout(10_000));
    }
  } finally {
    await lock.release();
    await logging.close();
  }
}

function print(applied: readonly MigrationName[]): void {
  for (const { owner, id } of applied) process.stdout.write(`applied ${owner} ${id}\n`);
  process.stdout.write(applied.length === 0 ? 'nothing to apply\n' : `${applied.length} applied\n`);
}

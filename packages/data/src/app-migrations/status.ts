import type { Queryable, QueryOptions } from '@reactor/core';
import { refusalOf, runsAlone } from './check.js';
import type { AppMigration } from './files.js';
import type { MigrationNames } from './history.js';
import { changedStep, readSteps } from './run-alone.js';
import { splitStatements } from './split.js';

/** How the app's own migrations stand. */
export interface AppMigrationStatus extends MigrationNames {
  /** Of what is pending: what no run would take, and why. Nothing at all runs until it is corrected. */
  readonly refused: readonly { readonly name: string; readonly reason: string }[];
  /** Of what is pending: files without a transaction of which some statements ran, and those stay. */
  readonly partial: readonly { readonly name: string; readonly ran: number; readonly statements: number }[];
}

/** Looks at what is pending. Changes nothing. */
export async function lookAtPending(
  database: Queryable,
  pending: readonly AppMigration[],
  options?: QueryOptions,
): Promise<Pick<AppMigrationStatus, 'refused' | 'partial'>> {
  const refused: { name: string; reason: string }[] = [];
  const partial: { name: string; ran: number; statements: number }[] = [];
  for (const migration of pending) {
    const { name, sql } = migration;
    let reason = refusalOf(migration)?.message;
    if (runsAlone(migration)) {
      const statements = splitStatements(sql);
      const done = await readSteps(database, migration, options);
      reason ??= changedStep(migration, statements, done);
      // In order, and settings run again: all before the last one ran too.
      if (done.size > 0) partial.push({ name, ran: Math.max(...done.keys()) + 1, statements: statements.length });
    }
    if (reason !== undefined) refused.push({ name, reason });
  }
  return { refused, partial };
}

import type { AppMigration } from '../app-migrations/files.js';
import { countLines, splitStatements } from '../app-migrations/split.js';
import { callsPerRow, usingCondition } from './calls-per-row.js';

/** What works, and could be better, in a migration. */
export interface MigrationWarning {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

/** Policies of a migration that call what is the same for all rows once for each of them. */
export function migrationWarnings({ name, sql }: AppMigration): readonly MigrationWarning[] {
  return splitStatements(sql).flatMap(({ text, line }) => {
    const condition = usingCondition(text);
    if (condition === undefined) return [];
    return callsPerRow(text.slice(condition.start, condition.end)).map(({ at, call, once }) => ({
      file: `${name}.sql`,
      line: line + countLines(text, 0, condition.start + at),
      message: `the policy calls ${call} for each row, which makes a large table many times slower: write ${once}`,
    }));
  });
}

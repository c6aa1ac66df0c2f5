import { dataErrors } from '../errors.js';
import type { AppMigration } from './files.js';
import { countLines, lineComments } from './split.js';

/** Letters, digits and what tells parts of a name apart; nothing that could lead out of a folder. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;

/** In the first lines of a file whose statements cannot run in a transaction. */
const DIRECTIVE = /^--\s*reactor:\s*(\S*)/i;
const NO_TRANSACTION = 'no-transaction';

/** Where other tools begin the part that undoes the rest: dbmate, goose, sql-migrate, Play, MyBatis, node-pg-migrate. */
const DOWN_SECTIONS: readonly RegExp[] = [
  /^--\s*migrate:down\b/i,
  /^--\s*\+(?:goose|migrate)\s+down\b/i,
  /^--[-\s]*!downs\b/i,
  /^--\s*\/\/\s*@undo\b/i,
  /^--[-=\s]*(?:down|undo|revert|rollback)(?:\s+migration)?[-=:\s]*$/i,
];

/** `001_a.down.sql` of golang-migrate, `001_a.undo.sql` of Postgrator, `U1__a.sql` of Flyway. */
const UNDO_FILE = /(?:^|\.)(?:down|undo|revert|rollback)$|^U[\d._]+__/i;

const FORWARD = 'migrations only run forward; write what undoes it as a new migration';

/** In the byte order of their names. @throws ReactorError `migration_failed` (400) for a name that cannot be one */
export function inOrder(migrations: readonly AppMigration[]): readonly AppMigration[] {
  const names = new Set<string>();
  for (const { name } of migrations) {
    if (!NAME.test(name) || /\.sql$/i.test(name)) {
      throw dataErrors.create.migration_failed(
        `${JSON.stringify(name)} is not a valid name of a migration: 1 to 200 characters A-Z a-z 0-9 . _ -, the first a letter or digit, without .sql.`,
      );
    }
    if (names.has(name)) throw dataErrors.create.migration_failed(`Two migrations are called ${name}.`);
    names.add(name);
  }
  return [...migrations].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** As a client sends it: with `.sql` at the end of its name, with a byte order mark. */
export function asSent({ name, sql }: { readonly name: string; readonly sql: string }): AppMigration {
  return { name: withoutExtension(name), sql: sql.replace(/^\uFEFF/, '') };
}

/** `010_ext.sql` and `010_ext` are one migration. */
export function withoutExtension(name: string): string {
  return name.endsWith('.sql') ? name.slice(0, -'.sql'.length) : name;
}

/**
 * Looks at a file that is about to run for what would do harm or nothing.
 * @throws ReactorError `migration_failed` (400) naming file and line
 */
export function assertRunnable(migration: AppMigration): void {
  const refusal = refusalOf(migration);
  if (refusal === undefined) return;
  const { message, ...details } = refusal;
  throw dataErrors.create.migration_failed(message, { details });
}

/** Why a file cannot run, naming file and line; undefined when it can be tried. */
export function refusalOf(migration: AppMigration) {
  const fault = faultOf(migration);
  if (fault === undefined) return undefined;
  const file = `${migration.name}.sql`;
  return { message: `${file}:${fault}`, file, line: Number.parseInt(fault, 10) };
}

/** Whether its statements run one by one, outside of a transaction. */
export function runsAlone({ sql }: AppMigration): boolean {
  return lineComments(sql).some(({ text, atHead }) => atHead && DIRECTIVE.exec(text)?.[1] === NO_TRANSACTION);
}

/** `<line>: <what is wrong>` */
function faultOf({ name, sql, fault }: AppMigration): string | undefined {
  if (fault !== undefined) return fault;
  // PostgreSQL's protocol ends a text at NUL; a lone surrogate has no UTF-8.
  const bad = sql.search(/\0|\p{Surrogate}/u);
  if (bad >= 0)
    return `${1 + countLines(sql, 0, bad)}: a character that PostgreSQL cannot store in a text; save the file as UTF-8`;
  if (UNDO_FILE.test(name)) return `1: by its name this file undoes another one; ${FORWARD}`;
  for (const { text, line, atHead } of lineComments(sql)) {
    if (DOWN_SECTIONS.some((section) => section.test(text))) {
      return `${line}: the section "${text.trim()}" would run with the rest; remove it: ${FORWARD}`;
    }
    const directive = DIRECTIVE.exec(text)?.[1];
    if (directive === undefined) continue;
    if (directive !== NO_TRANSACTION)
      return `${line}: "${text.trim()}" is unknown; accepted is "-- reactor:${NO_TRANSACTION}"`;
    if (!atHead) return `${line}: "-- reactor:${NO_TRANSACTION}" must come before the first statement`;
  }
  return undefined;
}

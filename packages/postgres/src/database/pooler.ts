import { randomBytes } from 'node:crypto';
import { type Logger, SQLSTATE } from '@reactor/core';
import { DatabaseError } from 'pg';

/** `auto` names prepared statements until a pooler is seen; `true` always, `false` never does. */
export type PreparedStatementsMode = 'auto' | boolean;

/**
 * What a server connection answers on which another client's statement, or none, has the name that we gave ours:
 * no such statement, duplicate statement, and a count of parameters that does not fit.
 */
const NAME_CLASHES: ReadonlySet<string> = new Set([
  SQLSTATE.invalidSqlStatementName,
  SQLSTATE.duplicatePreparedStatement,
  SQLSTATE.protocolViolation,
]);

/** A function may DEALLOCATE; that says nothing about a pooler. Statements that go on vanishing do. */
const LOST_NAMES_OF_A_POOLER = 3;

/**
 * Whether an error says that a prepared statement is not what we take it for. The transaction has done nothing then. What
 * a function does or raises has a context, `where`; a pooler's last words are fatal.
 */
export function isNameClash(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return false;
  const { code = '', where, severity } = error;
  return NAME_CLASHES.has(code) && where === undefined && severity !== 'FATAL';
}

/**
 * What is known about a pooler between us and PostgreSQL. In transaction mode it gives every transaction another server
 * connection, so nothing that belongs to a session holds: names of prepared statements, LISTEN, settings.
 */
export class Pooler {
  readonly mode: PreparedStatementsMode;
  readonly #logger: Logger;
  /** No other connection of this or another process has it, so that a name never means another statement. */
  readonly #prefix = `reactor_${randomBytes(9).toString('hex')}`;
  #sequence = 0;
  #evidence: string | undefined;
  #lostNames = 0;

  constructor(mode: PreparedStatementsMode, logger: Logger) {
    this.mode = mode;
    this.#logger = logger;
  }

  /** How it was recognized; undefined while there is none. */
  get evidence(): string | undefined {
    return this.#evidence;
  }

  /** Whether statements may be kept prepared under a name. */
  get allowsNames(): boolean {
    return this.mode === 'auto' ? this.#evidence === undefined : this.mode;
  }

  newName(): string {
    this.#sequence += 1;
    return `${this.#prefix}_${this.#sequence}`;
  }

  /**
   * Compares who answers with whom we connected to.
   * @param announced process id that the server gave as the key to cancel by
   * @param actual what `pg_backend_pid()` says
   */
  compareBackends(announced: number | null, actual: number): void {
    if (announced !== actual) this.#see('the process that answers is not the one we connected to');
  }

  /** Takes note of an error that `isNameClash` recognizes. */
  noteNameClash(error: unknown): void {
    const { code } = error as { readonly code?: unknown };
    if (code === SQLSTATE.invalidSqlStatementName) this.#lostNames += 1;
    if (code !== SQLSTATE.invalidSqlStatementName || this.#lostNames >= LOST_NAMES_OF_A_POOLER) {
      this.#see(`prepared statements are not kept (SQLSTATE ${code})`);
    }
  }

  #see(evidence: string): void {
    if (this.#evidence !== undefined) return;
    this.#evidence = evidence;
    this.#logger.info('a pooler stands between this server and PostgreSQL', {
      evidence,
      prepared_statements: this.allowsNames ? 'named' : 'unnamed',
    });
  }
}

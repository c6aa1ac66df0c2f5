import { coreErrors, type Database, type Queryable } from '@reactor/core';
import { functionsErrors } from '../errors.js';
import { functionNotFound } from '../function-name.js';
import { publishChange } from './changes.js';

/** A variable of a function as it is kept: in the open, or sealed. */
export interface StoredVariable {
  readonly key: string;
  readonly value?: string;
  readonly sealed?: Buffer;
  readonly updatedAt: Date;
}

interface VariableRow {
  readonly key: string;
  readonly value: string | null;
  readonly sealed: Buffer | null;
  readonly updated_at: Date;
}

function toVariable({ key, value, sealed, updated_at }: VariableRow): StoredVariable {
  return {
    key,
    ...(value === null ? {} : { value }),
    ...(sealed === null ? {} : { sealed }),
    updatedAt: updated_at,
  };
}

/** Of one function; a page of them is what an operator can oversee, and each call carries all. */
const MAX_VARIABLES = 100;

/** Variables of functions. Each change raises the revision of the function. */
export class EnvironmentStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** In the order of their names. */
  async all(functionId: string): Promise<readonly StoredVariable[]> {
    const { rows } = await this.#database.query<VariableRow>(
      `SELECT key, value, sealed, updated_at FROM reactor_functions.environment WHERE function_id = $1 ORDER BY key`,
      [functionId],
      { prepareAs: 'functions: environment' },
    );
    return rows.map(toVariable);
  }

  /** Undefined when there is none. */
  async find(functionId: string, key: string): Promise<StoredVariable | undefined> {
    const { rows } = await this.#database.query<VariableRow>(
      `SELECT key, value, sealed, updated_at FROM reactor_functions.environment WHERE function_id = $1 AND key = $2`,
      [functionId, key],
    );
    return rows[0] && toVariable(rows[0]);
  }

  /**
   * @throws ReactorError `function_not_found` (404) when the function went meanwhile, `invalid_request` (400) when it has
   *   as many as it may
   */
  async set(
    functionId: string,
    key: string,
    content: { readonly value: string } | { readonly sealed: Buffer },
  ): Promise<void> {
    await this.#change(functionId, async (connection) => {
      const isSecret = 'sealed' in content;
      await connection.query(
        `INSERT INTO reactor_functions.environment (function_id, key, is_secret, value, sealed)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (function_id, key) DO UPDATE
         SET is_secret = excluded.is_secret, value = excluded.value, sealed = excluded.sealed, updated_at = now()`,
        [functionId, key, isSecret, isSecret ? null : content.value, isSecret ? content.sealed : null],
      );
      const { rows } = await connection.query<{ too_many: boolean }>(
        'SELECT count(*) > $2 AS too_many FROM reactor_functions.environment WHERE function_id = $1',
        [functionId, MAX_VARIABLES],
      );
      if (rows[0]?.too_many) {
        throw coreErrors.create.invalid_request(`A function has at most ${MAX_VARIABLES} variables.`);
      }
    });
  }

  /** @throws ReactorError `env_key_not_found` (404) */
  async delete(functionId: string, key: string): Promise<void> {
    await this.#change(functionId, async (connection) => {
      const { rowCount } = await connection.query(
        'DELETE FROM reactor_functions.environment WHERE function_id = $1 AND key = $2',
        [functionId, key],
      );
      if (rowCount === 0) throw variableNotFound();
    });
  }

  async #change(functionId: string, work: (connection: Queryable) => Promise<void>): Promise<void> {
    await this.#database.transaction(async (connection) => {
      // Locks the row: two changes of one function take turns, and are counted as two.
      const { rows } = await connection.query<{ name: string }>(
        'UPDATE reactor_functions.functions SET revision = revision + 1 WHERE id = $1 RETURNING name',
        [functionId],
      );
      if (rows[0] === undefined) throw functionNotFound();
      await work(connection);
      await publishChange(this.#database, connection, rows[0].name);
    });
  }
}

/** The same words wherever it is found out. */
export function variableNotFound() {
  return functionsErrors.create.env_key_not_found('The function has no such variable.');
}

import { type Database, type QueryOptions, uuidv7 } from '@reactor/core';
import type { FunctionRecord, LiveFunction } from '../deployment.js';
import { functionsErrors } from '../errors.js';
import { functionNotFound, isFunctionName } from '../function-name.js';
import type { SettingsDefaults } from '../settings.js';
import { publishChange } from './changes.js';
import { DEPLOYMENT_COLUMNS, type DeploymentRow, toReadyDeployment } from './deployment-row.js';
import { lockFunction } from './lock.js';

const OWN_COLUMNS = `f.id AS function_id, f.name, f.description, f.current_deployment_id,
  f.created_at AS function_created_at, f.updated_at AS function_updated_at`;

interface FunctionRow {
  readonly function_id: string;
  readonly name: string;
  readonly description: string | null;
  readonly current_deployment_id: string | null;
  readonly current_version: number | null;
  readonly function_created_at: Date;
  readonly function_updated_at: Date;
}

function toFunction(row: FunctionRow): FunctionRecord {
  return {
    id: row.function_id,
    name: row.name,
    description: row.description ?? undefined,
    currentDeploymentId: row.current_deployment_id ?? undefined,
    currentVersion: row.current_version ?? undefined,
    createdAt: row.function_created_at,
    updatedAt: row.function_updated_at,
  };
}

/** Functions, and which of their deployments is the current one. */
export class FunctionStore {
  readonly #database: Database;
  readonly #defaults: SettingsDefaults;

  constructor(database: Database, defaults: SettingsDefaults) {
    this.#database = database;
    this.#defaults = defaults;
  }

  /** @throws ReactorError `function_exists` (409) */
  async create(name: string, description: string | undefined): Promise<FunctionRecord> {
    return this.#database.transaction(async (connection) => {
      const { rows } = await connection.query<FunctionRow>(
        `INSERT INTO reactor_functions.functions AS f (id, name, description) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO NOTHING RETURNING ${OWN_COLUMNS}, NULL AS current_version`,
        [uuidv7(), name, description ?? null],
      );
      const row = rows[0];
      if (row === undefined) throw functionsErrors.create.function_exists('Another function has this name.');
      await publishChange(this.#database, connection, name);
      return toFunction(row);
    });
  }

  /** In the order of their names. */
  async list(): Promise<readonly FunctionRecord[]> {
    const { rows } = await this.#database.query<FunctionRow>(`${SELECT} ORDER BY f.name`);
    return rows.map(toFunction);
  }

  /** @throws ReactorError `function_not_found` (404) */
  async get(name: string): Promise<FunctionRecord> {
    // What cannot be a name is not looked up: PostgreSQL refuses some text, NUL for one.
    if (!isFunctionName(name)) throw functionNotFound();
    const { rows } = await this.#database.query<FunctionRow>(`${SELECT} WHERE f.name = $1`, [name]);
    if (rows[0] === undefined) throw functionNotFound();
    return toFunction(rows[0]);
  }

  /** What a call needs, in one round trip. Undefined when there is no such function. */
  async live(name: string): Promise<LiveFunction | undefined> {
    if (!isFunctionName(name)) return undefined;
    const { rows } = await this.#database.query<LiveRow>(`${LIVE} WHERE f.name = $1`, [name], {
      prepareAs: 'functions: live',
    });
    return rows[0] && this.#toLive(rows[0]);
  }

  /** The same of each, for who looks at all of them. */
  async allLive(options?: QueryOptions): Promise<readonly LiveFunction[]> {
    const { rows } = await this.#database.query<LiveRow>(`${LIVE} ORDER BY f.name`, [], options);
    return rows.map((row) => this.#toLive(row));
  }

  #toLive(row: LiveRow): LiveFunction {
    return {
      id: row.live_id,
      name: row.name,
      deployment: row.id === null ? undefined : toReadyDeployment(row, this.#defaults),
      environmentRevision: Number(row.revision),
    };
  }

  /**
   * Deletes it with its deployments and variables; the bundles go later, by the sweeper.
   * @throws ReactorError `function_not_found` (404)
   */
  async delete(name: string): Promise<void> {
    await this.#database.transaction(async (connection) => {
      const { id } = await lockFunction(connection, name);
      // Before the deployments go: it points to one of them.
      await connection.query('UPDATE reactor_functions.functions SET current_deployment_id = NULL WHERE id = $1', [id]);
      await connection.query(
        `WITH gone AS (DELETE FROM reactor_functions.deployments WHERE function_id = $1 RETURNING blob_key)
         UPDATE reactor_functions.blobs SET condemned_at = now() FROM gone WHERE blobs.key = gone.blob_key`,
        [id],
      );
      await connection.query('DELETE FROM reactor_functions.functions WHERE id = $1', [id]);
      await publishChange(this.#database, connection, name);
    });
  }
}

const SELECT = `SELECT ${OWN_COLUMNS}, c.version AS current_version FROM reactor_functions.functions f
  LEFT JOIN reactor_functions.deployments c ON c.id = f.current_deployment_id`;

type LiveRow = { readonly live_id: string; readonly name: string; readonly revision: string } & (
  | DeploymentRow
  | { readonly id: null }
);

const LIVE = `SELECT f.id AS live_id, f.name, f.revision, ${DEPLOYMENT_COLUMNS} FROM reactor_functions.functions f
  LEFT JOIN reactor_functions.deployments d ON d.id = f.current_deployment_id`;

import { blobErrors, coreErrors, type Database, type Queryable } from '@reactor/core';
import type { Deployment, DeploymentRecord } from '../deployment.js';
import { functionsErrors } from '../errors.js';
import type { KeptFunctionFile, SettingsDefaults } from '../settings.js';
import { publishChange } from './changes.js';
import { DEPLOYMENT_COLUMNS, type DeploymentRow, toDeployment, toReadyDeployment } from './deployment-row.js';
import { type LockedFunction, lockFunction } from './lock.js';

/** A bundle that came in whole. */
export interface NewDeployment {
  readonly id: string;
  readonly blobKey: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** What promoting or rolling back changed. */
export interface Promotion {
  readonly previousDeploymentId: string | undefined;
  readonly currentDeploymentId: string;
}

/** A deployment of a function: the newest ready one, or by id or version. */
export type DeploymentRef = { readonly id: string } | { readonly version: number };

/** Ready versions before the current one that are kept to roll back to. */
const KEPT_BEFORE_CURRENT = 10;
/** Failed ones are kept for their reason; of more, the oldest go. */
const KEPT_FAILED = 20;
/**
 * Seconds after which a deployment that is still pending has lost its server. Unpacking, building and importing are given
 * less, see `Deployments`.
 */
export const LEASE_SECONDS = 120;

const LOST = 'The server that deployed it ended before it was ready; deploy it again.';

/** Deployments of functions. What changes those of one function takes turns. */
export class DeploymentStore {
  readonly #database: Database;
  readonly #defaults: SettingsDefaults;

  constructor(database: Database, defaults: SettingsDefaults) {
    this.#database = database;
    this.#defaults = defaults;
  }

  /** The newest first. */
  async list(functionId: string, limit: number): Promise<readonly DeploymentRecord[]> {
    const { rows } = await this.#database.query<DeploymentRow>(
      `SELECT ${DEPLOYMENT_COLUMNS} FROM reactor_functions.deployments d WHERE d.function_id = $1
       ORDER BY d.version DESC LIMIT $2`,
      [functionId, limit],
    );
    return rows.map((row) => toDeployment(row, this.#defaults));
  }

  /** @param id of the form of a UUID @throws ReactorError `deployment_not_found` (404) */
  async get(functionId: string, id: string): Promise<DeploymentRecord> {
    const { rows } = await this.#database.query<DeploymentRow>(
      `SELECT ${DEPLOYMENT_COLUMNS} FROM reactor_functions.deployments d WHERE d.function_id = $1 AND d.id = $2`,
      [functionId, id],
    );
    if (rows[0] === undefined) throw deploymentNotFound();
    return toDeployment(rows[0], this.#defaults);
  }

  /** The ready deployments of all functions, whose bundles may be asked for. */
  async ready(): Promise<readonly Deployment[]> {
    const { rows } = await this.#database.query<DeploymentRow>(
      `SELECT ${DEPLOYMENT_COLUMNS} FROM reactor_functions.deployments d WHERE d.status = 'ready'`,
    );
    return rows.map((row) => toReadyDeployment(row, this.#defaults));
  }

  /**
   * Writes a new version down as pending, unless a ready one has the same bundle: then that one is returned and nothing
   * changed.
   * @throws ReactorError `function_not_found` (404), `storage_unavailable` (503) when the sweeper took the blob for one
   *   that nobody wants any more
   */
  async begin(
    functionName: string,
    { id, blobKey, sha256, sizeBytes }: NewDeployment,
  ): Promise<{ readonly pending: DeploymentRecord } | { readonly same: Deployment }> {
    return this.#database.transaction(async (connection) => {
      const { id: functionId } = await lockFunction(connection, functionName);
      const same = await this.#findReady(connection, functionId, sha256);
      if (same !== undefined) return { same };
      try {
        const { rows } = await connection.query<DeploymentRow>(
          `WITH claimed AS (INSERT INTO reactor_functions.blobs (key) VALUES ($3) RETURNING key)
           INSERT INTO reactor_functions.deployments AS d
             (id, function_id, version, status, sha256, size_bytes, blob_key)
           SELECT $1, $2, (SELECT coalesce(max(version), 0) + 1 FROM reactor_functions.deployments WHERE function_id = $2),
             'pending', $4, $5, claimed.key FROM claimed RETURNING ${DEPLOYMENT_COLUMNS}`,
          [id, functionId, blobKey, sha256, sizeBytes],
        );
        return { pending: toDeployment(rows[0] as DeploymentRow, this.#defaults) };
      } catch (error) {
        throw explain(error);
      }
    });
  }

  /**
   * Makes a pending one ready, and with `promote` the current one in the same transaction. Where another one with the same
   * bundle has become ready meanwhile, this one goes and that one is returned.
   * @throws ReactorError `deployment_not_found` (404) when it has been given up or deleted meanwhile
   */
  async finish(
    functionName: string,
    { id, sha256 }: Pick<DeploymentRecord, 'id' | 'sha256'>,
    settings: KeptFunctionFile,
    promote: boolean,
  ): Promise<Deployment> {
    return this.#database.transaction(async (connection) => {
      const locked = await lockFunction(connection, functionName);
      const same = await this.#findReady(connection, locked.id, sha256);
      const deployment =
        same === undefined
          ? await this.#makeReady(connection, locked.id, id, settings)
          : await dropPending(connection, id, same);
      if (promote) await swap(connection, locked, deployment);
      await publishChange(this.#database, connection, functionName);
      return deployment;
    });
  }

  /** Makes a pending one failed. Its bundle goes later, by the sweeper. */
  async fail(functionName: string, id: string, why: string): Promise<void> {
    await this.#database.transaction(async (connection) => {
      const { id: functionId } = await lockFunction(connection, functionName);
      await fail(connection, "id = $1 AND status = 'pending'", [id], why);
      await connection.query(
        `DELETE FROM reactor_functions.deployments WHERE function_id = $1 AND status = 'failed' AND version < (
           SELECT min(version) FROM (
             SELECT version FROM reactor_functions.deployments WHERE function_id = $1 AND status = 'failed'
             ORDER BY version DESC LIMIT $2
           ) kept
         )`,
        [functionId, KEPT_FAILED],
      );
      await publishChange(this.#database, connection, functionName);
    });
  }

  /** Makes those failed that have been pending for longer than a server takes. @returns how many */
  async failLost(): Promise<number> {
    return fail(
      this.#database,
      "status = 'pending' AND created_at < now() - make_interval(secs => $1)",
      [LEASE_SECONDS],
      LOST,
    );
  }

  /**
   * Makes a ready deployment the current one; without `ref` the newest.
   * @throws ReactorError `function_not_found` (404), `deployment_not_found` (404), `invalid_request` (400) for one that is
   *   not ready
   */
  async promote(functionName: string, ref: DeploymentRef | undefined): Promise<Promotion> {
    return this.#promote(functionName, (connection, locked) =>
      ref === undefined ? this.#newestReady(connection, locked.id) : this.#readyOne(connection, locked.id, ref),
    );
  }

  /**
   * Makes the highest ready version below the current one the current one, or the one that `ref` names.
   * @throws ReactorError as `promote` does, `no_earlier_deployment` (409)
   */
  async rollBack(functionName: string, ref: DeploymentRef | undefined): Promise<Promotion> {
    return this.#promote(functionName, (connection, locked) =>
      ref === undefined ? this.#readyBefore(connection, locked) : this.#readyOne(connection, locked.id, ref),
    );
  }

  async #promote(
    functionName: string,
    choose: (connection: Queryable, locked: LockedFunction) => Promise<Deployment>,
  ): Promise<Promotion> {
    return this.#database.transaction(async (connection) => {
      const locked = await lockFunction(connection, functionName);
      const deployment = await choose(connection, locked);
      await swap(connection, locked, deployment);
      await publishChange(this.#database, connection, functionName);
      return { previousDeploymentId: locked.currentDeploymentId, currentDeploymentId: deployment.id };
    });
  }

  async #readyOne(connection: Queryable, functionId: string, ref: DeploymentRef): Promise<Deployment> {
    const { rows } = await connection.query<DeploymentRow>(
      `SELECT ${DEPLOYMENT_COLUMNS} FROM reactor_functions.deployments d
       WHERE d.function_id = $1 AND ${'id' in ref ? 'd.id = $2' : 'd.version = $2'}`,
      [functionId, 'id' in ref ? ref.id : ref.version],
    );
    const row = rows[0];
    if (row === undefined) throw deploymentNotFound();
    if (row.status === 'ready') return toReadyDeployment(row, this.#defaults);
    throw notReady(row);
  }

  async #newestReady(connection: Queryable, functionId: string): Promise<Deployment> {
    const found = await this.#first(connection, 'd.function_id = $1', [functionId]);
    if (found === undefined) throw deploymentNotFound('The function has no ready deployment; deploy one first.');
    return found;
  }

  async #readyBefore(connection: Queryable, { id, currentDeploymentId }: LockedFunction): Promise<Deployment> {
    const found = await this.#first(
      connection,
      `d.function_id = $1
       AND d.version < (SELECT version FROM reactor_functions.deployments WHERE id = $2)`,
      [id, currentDeploymentId ?? null],
    );
    if (found !== undefined) return found;
    throw functionsErrors.create.no_earlier_deployment(
      'There is no ready deployment below the current one to roll back to; promote another one by its id.',
    );
  }

  async #findReady(connection: Queryable, functionId: string, sha256: string): Promise<Deployment | undefined> {
    return this.#first(connection, 'd.function_id = $1 AND d.sha256 = $2', [functionId, sha256]);
  }

  /** The ready one with the highest version. */
  async #first(connection: Queryable, where: string, values: readonly unknown[]): Promise<Deployment | undefined> {
    const { rows } = await connection.query<DeploymentRow>(
      `SELECT ${DEPLOYMENT_COLUMNS} FROM reactor_functions.deployments d WHERE ${where} AND d.status = 'ready'
       ORDER BY d.version DESC LIMIT 1`,
      values,
    );
    return rows[0] && toReadyDeployment(rows[0], this.#defaults);
  }

  async #makeReady(
    connection: Queryable,
    functionId: string,
    id: string,
    settings: KeptFunctionFile,
  ): Promise<Deployment> {
    const { rows } = await connection.query<DeploymentRow>(
      `UPDATE reactor_functions.deployments d SET status = 'ready', settings = $3, ready_at = now()
       WHERE d.function_id = $1 AND d.id = $2 AND d.status = 'pending' RETURNING ${DEPLOYMENT_COLUMNS}`,
      [functionId, id, JSON.stringify(settings)],
    );
    if (rows[0] === undefined) {
      throw deploymentNotFound('The deployment was given up or deleted before it was ready; deploy it again.');
    }
    return toReadyDeployment(rows[0], this.#defaults);
  }
}

/** The same words wherever it is found out. */
export function deploymentNotFound(message = 'The function has no such deployment.') {
  return functionsErrors.create.deployment_not_found(message);
}

function notReady({ version, status, status_detail }: DeploymentRow) {
  const why = status_detail === null ? '' : `: ${status_detail}`;
  return coreErrors.create.invalid_request(
    `Version ${version} is ${status}, and only a ready one can be promoted${why}`,
  );
}

/** Another one has the same bundle. */
async function dropPending(connection: Queryable, id: string, same: Deployment): Promise<Deployment> {
  await connection.query(
    `WITH gone AS (DELETE FROM reactor_functions.deployments WHERE id = $1 AND status = 'pending' RETURNING blob_key)
     UPDATE reactor_functions.blobs SET condemned_at = now() FROM gone WHERE blobs.key = gone.blob_key`,
    [id],
  );
  return same;
}

/** @param where of pending rows; its parameters are `values` */
async function fail(connection: Queryable, where: string, values: readonly unknown[], why: string): Promise<number> {
  // The keys first: RETURNING tells of a row as it has become.
  const { rowCount } = await connection.query(
    `WITH lost AS (
       SELECT id, blob_key FROM reactor_functions.deployments WHERE ${where} FOR UPDATE SKIP LOCKED
     ), condemned AS (
       UPDATE reactor_functions.blobs SET condemned_at = now() FROM lost WHERE blobs.key = lost.blob_key
     )
     UPDATE reactor_functions.deployments d
     SET status = 'failed', status_detail = $${values.length + 1}, blob_key = NULL
     FROM lost WHERE d.id = lost.id`,
    [...values, why],
  );
  return rowCount;
}

/** Makes `deployment` the current one, and lets those go that nobody rolls back to any more. */
async function swap(
  connection: Queryable,
  { id }: LockedFunction,
  { id: current, version }: Deployment,
): Promise<void> {
  await connection.query(
    'UPDATE reactor_functions.functions SET current_deployment_id = $2, updated_at = now() WHERE id = $1',
    [id, current],
  );
  await connection.query(
    `WITH kept AS (
       SELECT version FROM reactor_functions.deployments
       WHERE function_id = $1 AND status = 'ready' AND version < $2 ORDER BY version DESC LIMIT $3
     ), gone AS (
       DELETE FROM reactor_functions.deployments
       WHERE function_id = $1 AND status <> 'pending' AND version < (SELECT coalesce(min(version), $2) FROM kept)
       RETURNING blob_key
     )
     UPDATE reactor_functions.blobs SET condemned_at = now() FROM gone WHERE blobs.key = gone.blob_key`,
    [id, version, KEPT_BEFORE_CURRENT],
  );
}

function explain(error: unknown): unknown {
  if ((error as { readonly constraint?: unknown }).constraint !== 'blobs_pkey') return error;
  return blobErrors.create.storage_unavailable('The bundle was not committed in time; send it again.', {
    cause: error,
  });
}

import type { Queryable } from '@reactor/core';
import { functionNotFound, isFunctionName } from '../function-name.js';

/** A function whose row is locked. */
export interface LockedFunction {
  readonly id: string;
  readonly currentDeploymentId: string | undefined;
}

/**
 * Locks a function until the transaction ends: what changes it, its deployments or its variables takes turns by this.
 * @throws ReactorError `function_not_found` (404)
 */
export async function lockFunction(connection: Queryable, name: string): Promise<LockedFunction> {
  // What cannot be a name is not looked up: PostgreSQL refuses some text, NUL for one.
  if (!isFunctionName(name)) throw functionNotFound();
  const { rows } = await connection.query<{ id: string; current_deployment_id: string | null }>(
    'SELECT id, current_deployment_id FROM reactor_functions.functions WHERE name = $1 FOR UPDATE',
    [name],
  );
  const row = rows[0];
  if (row === undefined) throw functionNotFound();
  return { id: row.id, currentDeploymentId: row.current_deployment_id ?? undefined };
}

import { type Database, type ProbeResult, type QueryOptions, reasonOf } from '@reactor/core';
import { identityOf } from '../database/identity.js';
import type { ProbedDatabase } from './probed.js';

/** `pooler`: whether one stands in between, and whether what that takes is configured and works. */
export async function probePooler(
  { system, pooler, direct }: ProbedDatabase,
  query: QueryOptions,
): Promise<ProbeResult> {
  // A connection must have been opened to know.
  const identity = await identityOf(system, query);
  const problem = direct === undefined ? undefined : await problemOf(direct, identity, query);
  if (problem !== undefined) return problem;
  const { evidence, mode } = pooler;
  if (evidence === undefined) return { status: 'ok', message: 'none: statements are kept prepared' };
  if (mode === true) {
    return {
      status: 'warn',
      code: 'pooler_with_prepared_statements',
      message: `A pooler is in front of PostgreSQL (${evidence}), and statements are kept prepared on it.`,
      remedy:
        'Set database.prepared_statements = "auto", unless the pooler tracks prepared statements (PgBouncer 1.21 or newer with max_prepared_statements).',
    };
  }
  if (direct === undefined) {
    return {
      status: 'warn',
      code: 'pooler_without_direct_url',
      message: `A pooler is in front of PostgreSQL (${evidence}): statements are not kept prepared, and changes of the schema are polled for instead of heard.`,
      remedy: 'Set database.direct_url to the URL of PostgreSQL itself.',
    };
  }
  return { status: 'ok', message: `a pooler (${evidence}): statements are not kept prepared` };
}

/** What is wrong with `database.direct_url`. */
async function problemOf(direct: Database, identity: string, query: QueryOptions): Promise<ProbeResult | undefined> {
  const remedy = 'Set database.direct_url to the URL of PostgreSQL itself, with the database of database.url.';
  try {
    if ((await identityOf(direct, query)) !== identity) {
      const message = 'database.direct_url leads to another database than database.url.';
      return { status: 'fail', code: 'direct_url_elsewhere', message, remedy };
    }
    const connection = await direct.connect(query);
    try {
      const { rows } = await connection.query<{ pid: number }>('SELECT pg_backend_pid() AS pid', [], query);
      if (rows[0]?.pid === connection.processId) return undefined;
    } finally {
      connection.release();
    }
    const message = 'database.direct_url also leads to a pooler: changes of the schema are not heard.';
    return { status: 'warn', code: 'direct_url_pooled', message, remedy };
  } catch (error) {
    if (query.signal?.aborted) throw error;
    const message = `database.direct_url does not answer: ${reasonOf(error)}`;
    return { status: 'fail', code: 'direct_url_unreachable', message, remedy };
  }
}

import type { ProbeResult, QueryOptions } from '@reactor/core';
import type { ProbedDatabase } from './database-probes.js';

/** `pooler`: whether one stands in between, and whether what that takes is configured. */
export async function probePooler(
  { system, pooler, hasDirect }: ProbedDatabase,
  query: QueryOptions,
): Promise<ProbeResult> {
  // A connection must have been opened to know.
  await system.query('SELECT 1', [], query);
  const { evidence, mode } = pooler;
  if (evidence === undefined) return { status: 'ok', message: 'none: statements are kept prepared' };
  if (mode === true) {
    return {
      status: 'warn',
      code: 'pooler_with_prepared_statements',
      message: `A pooler stands before PostgreSQL (${evidence}), and statements are kept prepared on it.`,
      remedy:
        'Set database.prepared_statements = "auto", unless the pooler tracks prepared statements (PgBouncer 1.21 or newer with max_prepared_statements).',
    };
  }
  if (!hasDirect) {
    return {
      status: 'warn',
      code: 'pooler_without_direct_url',
      message: `A pooler stands before PostgreSQL (${evidence}): statements are not kept prepared, and changes of the schema are polled for instead of heard.`,
      remedy: 'Set database.direct_url to the URL of PostgreSQL itself.',
    };
  }
  return { status: 'ok', message: `a pooler (${evidence}): statements are not kept prepared` };
}

import { REQUEST_ROLES } from '@reactor/core';
import { expect, test } from 'vitest';
import { RELATIONS } from '../../src/grants/objects-sql.js';
import { databaseWith } from '../support/database.js';

const TABLES = 200;

interface Node {
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Join Filter'?: number;
  readonly Plans?: readonly Node[];
}

/** Rows that a plan has handled, counted at each of its nodes. */
function rowsHandled({ Plans = [], ...node }: Node): number {
  const { 'Actual Rows': rows, 'Actual Loops': loops } = node;
  const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Join Filter'] ?? 0);
  return (rows + removed) * loops + Plans.reduce((sum, one) => sum + rowsHandled(one), 0);
}

test('reading privileges takes as much for each table, however many there are and whether or not PostgreSQL knows', async () => {
  const { database } = await databaseWith(
    Array.from({ length: TABLES }, (_, i) => `CREATE TABLE t${i} (id int); GRANT SELECT ON t${i} TO PUBLIC;`).join(
      '\n',
    ),
  );
  const plan = await database.transaction(async (transaction) => {
    await transaction.query("SELECT set_config('search_path', '', true)");
    const { rows } = await transaction.query<{ 'QUERY PLAN': [{ Plan: Node }] }>(
      `EXPLAIN (ANALYZE, FORMAT JSON) ${RELATIONS}`,
      [REQUEST_ROLES],
    );
    return rows[0]?.['QUERY PLAN'][0].Plan as Node;
  });
  expect(rowsHandled(plan) / TABLES).toBeLessThan(200);
});

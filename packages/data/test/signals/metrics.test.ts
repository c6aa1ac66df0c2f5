import { ALICE, BOB, everyMetricMoves } from '@reactor/testing';
import { expect, test } from 'vitest';
import { createTestData, jsonBody, type TestData } from '../support/data.js';

const NOTES = `
  CREATE TABLE notes (id int PRIMARY KEY, owner uuid DEFAULT auth.user_id());
  ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
  CREATE POLICY own ON notes USING (owner = (SELECT auth.user_id()));
  CREATE TABLE open (id int);
  CREATE FUNCTION two() RETURNS SETOF int LANGUAGE sql STABLE AS 'VALUES (1), (2)';
  INSERT INTO notes VALUES (1, '${ALICE}'), (2, '${ALICE}'), (3, '${BOB}');
`;

async function values({ data }: TestData, name: string): Promise<Record<string, number>> {
  const family = data.metrics.families.find((candidate) => candidate.name === name);
  if (family === undefined) throw new Error(name);
  const samples = (await family.get()).values.filter(({ value }) => value !== 0);
  return Object.fromEntries(samples.map(({ labels, value }) => [Object.values(labels).join(' '), value]));
}

test('each metric moves', async () => {
  const test = await createTestData(NOTES);
  const alice = test.as('alice');
  const migrations = [{ name: '1', sql: 'SELECT 1' }];
  await everyMetricMoves(test.data.metrics, {
    reactor_data_operations_total: () => alice('GET', '/notes'),
    reactor_data_rows_read_total: () => alice('GET', '/notes'),
    reactor_data_rows_written_total: () => alice('DELETE', '/notes?id=eq.1'),
    reactor_data_statement_duration_seconds: () => alice('GET', '/notes'),
    reactor_data_refusals_total: () => alice('GET', '/open'),
    reactor_data_schema_reloads_total: () => test.as('admin')('POST', '/_admin/reload'),
    reactor_data_migrations_applied_total: () => test.as('admin')('POST', '/_admin/migrate', jsonBody({ migrations })),
    reactor_data_schema_age_seconds: () => test.as('admin')('POST', '/_admin/reload'),
    reactor_data_schema_relations: async () => {
      await test.database.query('CREATE TABLE more (id int)');
      await test.as('admin')('POST', '/_admin/reload');
    },
  });
});

test('operations are counted by what they did and how they ended', async () => {
  const test = await createTestData(NOTES);
  const alice = test.as('alice');
  await alice('GET', '/notes');
  await alice('HEAD', '/notes');
  await alice('GET', '/notes?id=eq.x');
  await alice('POST', '/notes', jsonBody({ id: 9 }));
  await alice('POST', '/notes', jsonBody({ id: 9 }));
  await alice('POST', '/notes', jsonBody({ id: 10, owner: BOB }));
  await alice('PATCH', '/notes?id=eq.1', jsonBody({ id: 11 }));
  await alice('PUT', '/notes?id=eq.12', jsonBody({ id: 12 }));
  await alice('DELETE', '/notes?id=eq.12');
  await alice('POST', '/rpc/two');
  await alice('GET', '/rpc/none');
  await alice('GET', '');
  await test.as(undefined)('GET', '');
  await test.as('eve')('GET', '/notes');
  expect(await values(test, 'reactor_data_operations_total')).toEqual({
    'select ok': 2,
    'select rejected': 2,
    'insert ok': 1,
    'insert rejected': 2,
    'update ok': 2,
    'delete ok': 1,
    'call ok': 1,
    'call rejected': 1,
    'describe ok': 1,
    'describe rejected': 1,
  });
});

test('rows are counted when they are answered or committed', async () => {
  const test = await createTestData(NOTES);
  const alice = test.as('alice');
  await alice('GET', '/notes');
  await alice('GET', '/rpc/two');
  await alice('GET', '/notes', { headers: { Accept: 'application/vnd.pgrst.object+json' } });
  expect(await values(test, 'reactor_data_rows_read_total')).toEqual({ '': 4 });
  await alice('POST', '/notes', jsonBody([{ id: 10 }, { id: 11 }]));
  await alice('POST', '/notes', jsonBody({ id: 12 }, { Prefer: 'tx=rollback' }));
  await alice('POST', '/notes', jsonBody({ id: 10 }));
  await alice('DELETE', '/notes?id=in.(10,1)');
  expect(await values(test, 'reactor_data_rows_written_total')).toEqual({ '': 4 });
});

test('refusals are counted by what refused', async () => {
  const test = await createTestData(NOTES);
  await test.as('alice')('POST', '/notes', jsonBody({ id: 10, owner: BOB }));
  await test.as(undefined)('POST', '/notes', jsonBody({ id: 10 }));
  await test.as('alice')('GET', '/open');
  await test.as('alice')('GET', '/open');
  expect(await values(test, 'reactor_data_refusals_total')).toEqual({ policy: 1, privilege: 1, row_security_off: 2 });
});

test('relations are counted by whether requests may use them', async () => {
  const test = await createTestData(NOTES);
  expect(await values(test, 'reactor_data_schema_relations')).toEqual({ served: 1, refused: 1 });
});

import { expect, test } from 'vitest';
import { expectAnswers, type Sent } from '../support/answers.js';
import { createTestData } from '../support/data.js';

const EMPLOYEES = `
  CREATE TABLE employees (id int PRIMARY KEY, name text UNIQUE, salary int DEFAULT 100, note text DEFAULT 'new');
  CREATE TABLE keyless (a int, b int);
  CREATE TABLE guarded (id int PRIMARY KEY, owner uuid, v text);
  CREATE TABLE pairs (a int, b int, v text, PRIMARY KEY (a, b));
  ALTER TABLE employees ENABLE ROW LEVEL SECURITY;
  ALTER TABLE keyless ENABLE ROW LEVEL SECURITY;
  ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
  ALTER TABLE pairs ENABLE ROW LEVEL SECURITY;
  CREATE POLICY anybody ON employees USING (true);
  CREATE POLICY anybody ON keyless USING (true);
  CREATE POLICY anybody ON pairs USING (true);
  CREATE POLICY own ON guarded USING (owner = (SELECT auth.user_id())) WITH CHECK (true);
  INSERT INTO employees VALUES (1, 'Old 1', 10, 'kept'), (2, 'Old 2', 20, 'kept');
  INSERT INTO guarded VALUES (1, gen_random_uuid(), 'of somebody else');
`;

const prefer = (Prefer: string, body: unknown): Sent => ({
  body,
  headers: { Prefer: `return=representation, ${Prefer}` },
});
const merge = (body: unknown) => prefer('resolution=merge-duplicates', body);
const ignore = (body: unknown) => prefer('resolution=ignore-duplicates', body);

test('POST merges or ignores duplicates', async () => {
  await expectAnswers(await createTestData(EMPLOYEES), [
    [
      'POST /employees?select=id,salary,note',
      [
        { id: 1, salary: 30000, note: 'kept' },
        { id: 3, salary: 50000, note: 'new' },
      ],
      merge([
        { id: 1, name: 'Old 1', salary: 30000 },
        { id: 3, name: 'New 3', salary: 50000 },
      ]),
    ],
    [
      'POST /employees?select=id,salary',
      [{ id: 4, salary: 1 }],
      ignore([
        { id: 1, salary: 0 },
        { id: 4, salary: 1 },
      ]),
    ],
    ['POST /employees?select=id', [], ignore({ id: 1 })],
    ['POST /employees?select=id', [{ id: 1 }], merge({ id: 1 })],
    [
      'POST /employees?on_conflict=name&select=id,name,salary',
      [{ id: 2, name: 'Old 2', salary: 52000 }],
      merge({ id: 2, name: 'Old 2', salary: 52000 }),
    ],
    ['POST /employees?on_conflict=name&select=id', [], ignore({ id: 99, name: 'Old 2' })],
    [
      'POST /employees?columns=id,salary&select=name,salary',
      [{ name: 'Old 1', salary: 7 }],
      merge([{ id: 1, salary: 7, name: 'other' }]),
    ],
    [
      'POST /employees?columns=id,salary&select=salary',
      [{ salary: 100 }],
      prefer('resolution=merge-duplicates, missing=default', [{ id: 1 }]),
    ],
    ['POST /employees', '409 23505 conflict', { body: { id: 1 } }],
    ['POST /employees', '409 23505 conflict', merge({ id: 50, name: 'Old 1' })],
    ['POST /employees', '400 21000 statement_rejected', merge([{ id: 1 }, { id: 1 }])],
    ['POST /employees?on_conflict=salary', '400 42P10 statement_rejected', merge({ id: 1, salary: 1 })],
    ['POST /employees?on_conflict=nothing', '400 PGRST204 column_not_found', merge({ id: 1 })],
    ['POST /keyless', '400 PGRST100 invalid_query', merge({ a: 1 })],
    ['POST /guarded', '403 42501 policy_denied', merge({ id: 1, v: 'mine now' })],
  ]);
});

test('PUT inserts or replaces the row that its key names', async () => {
  const put = (body: unknown): Sent => ({ body, headers: { Prefer: 'return=representation' } });
  const data = await createTestData(EMPLOYEES);
  await expectAnswers(data, [
    [
      'PUT /employees?id=eq.4&select=id,name',
      [{ id: 4, name: 'Sara B.' }],
      put({ id: 4, name: 'Sara B.', salary: 60000 }),
    ],
    [
      'PUT /employees?id=eq.4&select=name,salary',
      [{ name: 'Sara C.', salary: 60000 }],
      put({ id: 4, name: 'Sara C.' }),
    ],
    [
      'PUT /employees?id=eq.4',
      [204, '1', ''],
      { body: { id: 4, name: 'Sara D.' }, show: ['status', 'X-Affected-Rows'] },
    ],
    ['PUT /pairs?a=eq.1&b=eq.2', [{ a: 1, b: 2, v: 'x' }], put({ a: 1, b: 2, v: 'x' })],
    ['PUT /employees?id=eq.5', '400 PGRST115 invalid_body', put({ id: 6 })],
    ['PUT /employees?id=eq.5', '400 PGRST115 invalid_body', put({ name: 'x' })],
    ['PUT /employees?id=eq.5&limit=1', '400 PGRST114 invalid_query', put({ id: 5 })],
    ['PUT /employees?name=eq.x', '400 PGRST105 invalid_query', put({ id: 5, name: 'x' })],
    ['PUT /employees?id=eq.5&name=eq.x', '400 PGRST105 invalid_query', put({ id: 5, name: 'x' })],
    ['PUT /employees?id=gt.5', '400 PGRST105 invalid_query', put({ id: 5 })],
    ['PUT /employees', '400 PGRST105 invalid_query', put({ id: 5 })],
    ['PUT /pairs?a=eq.1', '400 PGRST105 invalid_query', put({ a: 1, b: 1 })],
    ['PUT /keyless?a=eq.1', '400 PGRST105 invalid_query', put({ a: 1 })],
    ['PUT /employees?id=eq.5', '400 PGRST102 invalid_body', put([{ id: 5 }, { id: 6 }])],
    ['PUT /employees?id=eq.5', '409 23505 conflict', put({ id: 5, name: 'Old 1' })],
    ['PUT /guarded?id=eq.1', '403 42501 policy_denied', put({ id: 1, v: 'mine now' })],
    ['GET /employees?id=gt.4', []],
  ]);
  expect((await data.database.query('SELECT v FROM guarded')).rows).toEqual([{ v: 'of somebody else' }]);
});

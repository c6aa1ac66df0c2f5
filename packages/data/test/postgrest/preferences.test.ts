import { test } from 'vitest';
import { expectAnswers } from '../support/answers.js';
import { createTestData } from '../support/data.js';

const TABLE = `
  CREATE TABLE projects (id int PRIMARY KEY, name text DEFAULT 'unnamed', at timestamptz DEFAULT '2023-10-18T12:37:59.611Z');
  ALTER TABLE projects ENABLE ROW LEVEL SECURITY;
  CREATE POLICY anybody ON projects USING (true);
  INSERT INTO projects VALUES (1, 'a'), (2, 'b'), (3, 'c');
  CREATE FUNCTION noon(day date) RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT (day + time $$12:00$$)::timestamptz';
  CREATE FUNCTION first_few(n int) RETURNS SETOF projects LANGUAGE sql AS 'SELECT * FROM projects ORDER BY id LIMIT n';
`;

/** The header sent, and `Preference-Applied` beside the body. */
const prefer = (Prefer: string, body?: unknown) => ({
  ...(body === undefined ? {} : { body }),
  headers: { Prefer },
  show: ['Preference-Applied'],
});

const one = [{ id: 1 }];

test('handling', async () => {
  await expectAnswers(await createTestData(TABLE), [
    ['GET /projects?select=id&id=eq.1', [null, one], prefer('foo, bar')],
    ['GET /projects?select=id&id=eq.1', ['handling=lenient', one], prefer('handling=lenient, foo, bar')],
    ['GET /projects?select=id&id=eq.1', ['handling=lenient', one], prefer('handling=lenient, count=guessed')],
    ['GET /projects', [null, '400 PGRST122 invalid_query'], prefer('handling=strict, foo, bar')],
    ['GET /projects', [null, '400 PGRST122 invalid_query'], prefer('count=guessed')],
    ['GET /projects?select=id&id=eq.1', ['count=exact', one], prefer('count=exact, count=planned')],
    ['GET /projects?select=id&id=eq.1', ['count=exact', one], prefer('Count = "exact"')],
    ['DELETE /projects?id=eq.9', ['handling=strict', ''], prefer('handling=strict')],
  ]);
});

test('timezone', async () => {
  const day = (at: string) => [{ at }];
  await expectAnswers(await createTestData(TABLE), [
    ['GET /projects?select=at&id=eq.1', ['timezone=UTC', day('2023-10-18T12:37:59.611+00:00')], prefer('timezone=UTC')],
    [
      'GET /projects?select=at&id=eq.1',
      ['timezone=America/Los_Angeles', day('2023-10-18T05:37:59.611-07:00')],
      prefer('timezone=America/Los_Angeles'),
    ],
    [
      'GET /projects?select=id&id=eq.1&at=gt.2023-10-18T05:00',
      ['timezone=America/Los_Angeles', one],
      prefer('timezone=America/Los_Angeles'),
    ],
    ['GET /projects?select=id&at=gt.2023-10-18T13:00', ['timezone=UTC', []], prefer('timezone=UTC')],
    [
      'GET /rpc/noon?day=2024-07-01',
      ['timezone=Asia/Tokyo', '2024-07-01T12:00:00+09:00'],
      prefer('timezone=Asia/Tokyo'),
    ],
    [
      'PATCH /projects?id=eq.2&select=at',
      ['return=representation, timezone=Asia/Tokyo', day('2024-01-01T09:00:00+09:00')],
      prefer('return=representation, timezone=Asia/Tokyo', { at: '2024-01-01T09:00' }),
    ],
    ['GET /projects?select=at&id=eq.2', ['timezone=UTC', day('2024-01-01T00:00:00+00:00')], prefer('timezone=UTC')],
    ['GET /projects', [null, '400 PGRST122 invalid_query'], prefer('timezone=Jupiter/Red_Spot')],
    ['GET /projects', [null, '400 PGRST122 invalid_query'], prefer('timezone=+05:00')],
    [
      'GET /projects?select=id&id=eq.1',
      ['handling=lenient', one],
      prefer('handling=lenient, timezone=Jupiter/Red_Spot'),
    ],
  ]);
});

test('return', async () => {
  const headers = (names: readonly string[], Prefer: string, body?: unknown) => ({
    ...prefer(Prefer, body),
    show: names,
  });
  const shown = ['status', 'Location', 'Preference-Applied'];
  await expectAnswers(await createTestData(TABLE), [
    ['POST /projects', [201, null, null, ''], headers(shown, '', { id: 10 })],
    ['POST /projects', [201, null, 'return=minimal', ''], headers(shown, 'return=minimal', { id: 11 })],
    [
      'POST /projects',
      [201, '/data/v1/projects?id=eq.12', 'return=headers-only', ''],
      headers(shown, 'return=headers-only', { id: 12 }),
    ],
    [
      'POST /projects?select=id,name',
      [201, null, 'return=representation', [{ id: 13, name: 'unnamed' }]],
      headers(shown, 'return=representation', { id: 13 }),
    ],
    ['PATCH /projects?id=eq.13', [204, null, null, ''], headers(shown, '', { name: 'x' })],
    [
      'PATCH /projects?id=eq.13&select=name',
      [200, null, 'return=representation', [{ name: 'y' }]],
      headers(shown, 'return=representation', { name: 'y' }),
    ],
    ['POST /rpc/first_few', [204, null, 'return=minimal', ''], headers(shown, 'return=minimal', { n: 2 })],
    ['DELETE /projects?id=eq.13', [204, null, 'return=minimal', ''], headers(shown, 'return=minimal')],
    [
      'DELETE /projects?id=eq.12&select=id',
      [200, null, 'return=representation', [{ id: 12 }]],
      headers(shown, 'return=representation'),
    ],
  ]);
});

test('tx and max-affected', async () => {
  await expectAnswers(await createTestData(TABLE), [
    [
      'DELETE /projects?id=eq.1&select=id',
      ['return=representation, tx=rollback', one],
      prefer('return=representation, tx=rollback'),
    ],
    ['GET /projects?select=id&id=eq.1', one],
    ['PATCH /projects?id=eq.1', ['tx=commit', ''], prefer('tx=commit', { name: 'z' })],
    ['GET /projects?select=name&id=eq.1', [{ name: 'z' }]],
    [
      'DELETE /projects?id=gt.1',
      [null, '400 PGRST124 too_many_rows_affected'],
      prefer('handling=strict, max-affected=1'),
    ],
    ['DELETE /projects?id=gt.1', [null, '400 PGRST122 invalid_query'], prefer('handling=strict, max-affected=all')],
    ['GET /projects?select=id&order=id', [{ id: 1 }, { id: 2 }, { id: 3 }]],
    [
      'POST /rpc/first_few',
      [null, '400 PGRST124 too_many_rows_affected'],
      prefer('handling=strict, max-affected=1', { n: 2 }),
    ],
    ['DELETE /projects?id=gt.1', ['handling=strict, max-affected=2', ''], prefer('handling=strict, max-affected=2')],
    ['GET /projects?select=id', one],
  ]);
});

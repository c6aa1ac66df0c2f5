import { describe, expect, test } from 'vitest';
import { createTestData, jsonBody, type TestData } from '../support/data.js';

const SCHEMA = `
  SET timezone TO 'UTC';
  CREATE TYPE mood AS ENUM ('sad', 'fine');
  CREATE TABLE parents (id int PRIMARY KEY);
  CREATE TABLE rows (
    id int PRIMARY KEY, at timestamp, code int, word text, mood mood, numbers int[], parent int REFERENCES parents
  );
  CREATE VIEW shown WITH (security_invoker) AS SELECT id, at FROM rows;
  CREATE FUNCTION log(at timestamp) RETURNS void LANGUAGE sql VOLATILE AS
    'INSERT INTO rows (id, at) VALUES (9, at) ON CONFLICT (id) DO UPDATE SET at = EXCLUDED.at';
  ALTER TABLE parents ENABLE ROW LEVEL SECURITY; CREATE POLICY anybody ON parents USING (true);
  ALTER TABLE rows ENABLE ROW LEVEL SECURITY; CREATE POLICY anybody ON rows USING (true);
  INSERT INTO parents VALUES (1);
  INSERT INTO rows VALUES (1, '2026-01-01 11:00', 5, 'Word', 'sad', '{1}', 1);
  DROP EVENT TRIGGER IF EXISTS reactor_data_schema_change;
`;

const AT = encodeURIComponent('2026-01-01T12:00:00+02:00');
const ROW = 'SELECT to_jsonb(rows) - $1::text[] AS row FROM rows ORDER BY id';

/** The row is at 11:00 UTC, an hour after `AT`; as long as nobody looks at the offset it is an hour before. */
const TO_TIMESTAMPTZ = `DROP VIEW shown; ALTER TABLE rows ALTER at TYPE timestamptz USING at AT TIME ZONE 'UTC';
  CREATE VIEW shown WITH (security_invoker) AS SELECT id, at FROM rows`;

interface Change {
  readonly ddl: string;
  /** What makes every connection know the old type: the same statement with another value. */
  readonly warm: string;
  readonly warmBody?: unknown;
  readonly request: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status: number;
  readonly answer?: unknown;
  /** Of the table afterwards. */
  readonly rows?: readonly unknown[];
}

const KEPT = { id: 1, at: '2026-01-01T11:00:00+00:00' };

const CHANGES: Readonly<Record<string, Change>> = {
  'timestamp to timestamptz, DELETE': {
    ddl: TO_TIMESTAMPTZ,
    warm: 'DELETE /rows?at=lt.2000-01-01',
    request: `DELETE /rows?at=lt.${AT}`,
    status: 204,
    rows: [KEPT],
  },
  'timestamp to timestamptz, DELETE by a list': {
    ddl: TO_TIMESTAMPTZ,
    warm: 'DELETE /rows?at=in.(2000-01-01)',
    request: `DELETE /rows?at=in.("${AT.replace('12', '11')}")`,
    status: 204,
    rows: [KEPT],
  },
  'timestamp to timestamptz, DELETE through a view that was made again': {
    ddl: TO_TIMESTAMPTZ,
    warm: 'DELETE /shown?at=lt.2000-01-01',
    request: `DELETE /shown?at=lt.${AT}`,
    status: 204,
    rows: [KEPT],
  },
  'timestamp to timestamptz, PATCH': {
    ddl: TO_TIMESTAMPTZ,
    warm: 'PATCH /rows?id=eq.99',
    warmBody: { at: null },
    request: 'PATCH /rows?id=eq.1',
    body: { at: '2026-01-01T12:00:00+02:00' },
    status: 204,
    rows: [{ id: 1, at: '2026-01-01T10:00:00+00:00' }],
  },
  'timestamp to timestamptz, POST': {
    ddl: TO_TIMESTAMPTZ,
    warm: 'POST /rows',
    warmBody: [],
    request: 'POST /rows',
    body: { id: 2, at: '2026-01-01T12:00:00+02:00' },
    status: 201,
    rows: [KEPT, { id: 2, at: '2026-01-01T10:00:00+00:00' }],
  },
  'timestamp to timestamptz, PUT': {
    ddl: TO_TIMESTAMPTZ,
    warm: 'PUT /rows?id=eq.1',
    warmBody: { id: 1, at: '2026-01-01T11:00:00' },
    request: 'PUT /rows?id=eq.1',
    body: { id: 1, at: '2026-01-01T12:00:00+02:00' },
    status: 204,
    rows: [{ id: 1, at: '2026-01-01T10:00:00+00:00' }],
  },
  'the argument of a function': {
    ddl: `${TO_TIMESTAMPTZ}; DROP FUNCTION log(timestamp);
      CREATE FUNCTION log(at timestamptz) RETURNS void LANGUAGE sql VOLATILE AS
        'INSERT INTO rows (id, at) VALUES (9, at) ON CONFLICT (id) DO UPDATE SET at = EXCLUDED.at'`,
    warm: 'POST /rpc/log',
    warmBody: { at: '2026-01-01' },
    request: 'POST /rpc/log',
    body: { at: '2026-01-01T12:00:00+02:00' },
    status: 204,
    rows: [KEPT, { id: 9, at: '2026-01-01T10:00:00+00:00' }],
  },
  'int to bigint': {
    ddl: 'ALTER TABLE rows ALTER code TYPE bigint; UPDATE rows SET code = 3000000000',
    warm: 'GET /rows?select=id&code=eq.5',
    request: 'GET /rows?select=id&code=eq.3000000000',
    status: 200,
    answer: [{ id: 1 }],
  },
  'int to text': {
    ddl: `ALTER TABLE rows ALTER code TYPE text; UPDATE rows SET code = 'A-5'`,
    warm: 'GET /rows?select=id&code=eq.5',
    request: 'GET /rows?select=id&code=eq.A-5',
    status: 200,
    answer: [{ id: 1 }],
  },
  'int[] to text[]': {
    ddl: `ALTER TABLE rows ALTER numbers TYPE text[]; UPDATE rows SET numbers = '{a}'`,
    warm: 'GET /rows?select=id&numbers=cs.{1}',
    request: 'GET /rows?select=id&numbers=cs.{a}',
    status: 200,
    answer: [{ id: 1 }],
  },
  'text to a domain that says more': {
    ddl: `CREATE DOMAIN lower AS varchar CHECK (VALUE = lower(VALUE));
      UPDATE rows SET word = 'word'; ALTER TABLE rows ALTER word TYPE lower`,
    warm: 'PATCH /rows?id=eq.99',
    warmBody: { word: 'x' },
    request: 'PATCH /rows?id=eq.1',
    body: { word: 'Upper' },
    status: 400,
  },
  'an enum made again under its name': {
    ddl: `ALTER TABLE rows ALTER mood TYPE text; DROP TYPE mood; CREATE TYPE mood AS ENUM ('happy', 'sad');
      ALTER TABLE rows ALTER mood TYPE mood USING mood::mood`,
    warm: 'GET /rows?select=id&mood=eq.sad',
    request: 'GET /rows?select=id&mood=gt.happy',
    status: 200,
    answer: [{ id: 1 }],
  },
  'an enum made again just as it was': {
    ddl: `ALTER TABLE rows ALTER mood TYPE text; DROP TYPE mood; CREATE TYPE mood AS ENUM ('sad', 'fine');
      ALTER TABLE rows ALTER mood TYPE mood USING mood::mood`,
    warm: 'GET /rows?select=id&mood=eq.fine',
    request: 'GET /rows?select=id&mood=eq.sad',
    status: 200,
    answer: [{ id: 1 }],
  },
  'the key of an embed': {
    ddl: 'ALTER TABLE rows DROP CONSTRAINT rows_parent_fkey; ALTER TABLE parents ALTER id TYPE text; ALTER TABLE rows ALTER parent TYPE text; ALTER TABLE rows ADD FOREIGN KEY (parent) REFERENCES parents',
    warm: 'GET /rows?select=id,parents!inner(id)&parents.id=eq.2',
    request: 'GET /rows?select=id,parents!inner(id)&parents.id=eq.x',
    status: 200,
    answer: [],
  },
  'a table made again': {
    ddl: `CREATE TABLE copy (LIKE rows INCLUDING ALL); ALTER TABLE copy ENABLE ROW LEVEL SECURITY;
      CREATE POLICY anybody ON copy USING (true); INSERT INTO copy SELECT * FROM rows;
      DROP VIEW shown; DROP TABLE rows; ALTER TABLE copy RENAME TO rows`,
    warm: 'DELETE /rows?id=eq.99',
    request: 'DELETE /rows?id=eq.1',
    status: 204,
    rows: [],
  },
};

async function send({ as }: TestData, request: string, body?: unknown) {
  const [method = '', path = ''] = request.split(' ');
  return as('alice')(method, path, body === undefined ? {} : jsonBody(body));
}

/** Every connection of the pool has the statements of `warm` prepared, used more often than PostgreSQL plans anew. */
async function warmUp(data: TestData, { warm, warmBody }: Change): Promise<void> {
  for (let round = 0; round < 8; round += 1) {
    const answers = await Promise.all(Array.from({ length: 4 }, () => send(data, warm, warmBody)));
    expect(answers.filter(({ status }) => status >= 300).map(({ status }) => status)).toEqual([]);
  }
}

async function outcome(data: TestData, { request, body, answer, rows }: Change) {
  // Each of them may meet another connection.
  const answers = await Promise.all(Array.from({ length: 4 }, () => send(data, request, body)));
  // Of those that write the same row, one comes first, whichever.
  const [first] = answers.filter(({ status }) => status !== 409);
  const others = answers.filter(({ status }) => status !== first?.status && status !== 409);
  const table = await data.database.query<{ row: unknown }>(ROW, [
    ['code', 'word', 'mood', 'numbers', 'parent'].filter(() => rows !== undefined),
  ]);
  return {
    status: others.length > 0 ? answers.map(({ status }) => status) : first?.status,
    ...(answer === undefined ? {} : { answer: await first?.json() }),
    ...(rows === undefined ? {} : { rows: table.rows.map(({ row }) => row) }),
  };
}

function expected({ status, answer, rows }: Change) {
  return { status, ...(answer === undefined ? {} : { answer }), ...(rows === undefined ? {} : { rows }) };
}

describe('after a column has another type, warm connections know it', () => {
  test.each(Object.entries(CHANGES))('without a word to this server: %s', async (_, change) => {
    const data = await createTestData(SCHEMA);
    await warmUp(data, change);
    await data.database.query(`BEGIN; ${change.ddl}; COMMIT`);
    expect(await outcome(data, change)).toEqual(expected(change));
  });

  test.each(Object.entries(CHANGES))('by a migration that was answered: %s', async (_, change) => {
    const data = await createTestData(SCHEMA);
    await warmUp(data, change);
    const migrations = [{ name: '1', sql: change.ddl }];
    expect((await data.as('admin')('POST', '/_admin/migrate', jsonBody({ migrations }))).status).toBe(200);
    expect(await outcome(data, change)).toEqual(expected(change));
  });
});

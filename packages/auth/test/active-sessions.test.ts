import type { Database } from '@reactor/core';
import { expect, test } from 'vitest';
import { AuthStore } from '../src/store.js';
import { createAuthDatabase, createTestAuth, sampleOf, signUp } from './fixture.js';

const USER = '0190a000-0000-7000-8000-00000000000a';

/** `count` sessions, which end in an hour, or ended an hour ago. */
const insertSql = (count: number, ends: 'later' | 'ended' = 'later') => `
  INSERT INTO reactor_auth.sessions (id, user_id, token, expires_at)
  SELECT gen_random_uuid(), '${USER}', gen_random_uuid(), now() ${ends === 'later' ? '+' : '-'} interval '1 hour'
  FROM generate_series(1, ${count})`;

async function databaseWithUser() {
  const created = await createAuthDatabase();
  await created.database.query(
    `INSERT INTO reactor_auth.users (id, email, name) VALUES ('${USER}', 'ada@example.com', 'Ada')`,
  );
  const active = () => new AuthStore(created.database).countActiveSessions(new Date());
  return { ...created, active };
}

interface Node {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly Plans?: readonly Node[];
}

/** The nodes of a plan that read `relation`. */
function readersOf(relation: string, node: Node): readonly Node[] {
  const below = (node.Plans ?? []).flatMap((one) => readersOf(relation, one));
  return node['Relation Name'] === relation ? [node, ...below] : below;
}

test('are those of the database that have not expired, the same on every server', async () => {
  const auth = await createTestAuth();
  const other = await createTestAuth({ database: auth.database });
  await signUp(auth);
  await signUp(auth, 'bob@example.com');
  await auth.database.query(
    `UPDATE reactor_auth.sessions SET expires_at = now() - interval '1 second'
      WHERE user_id = (SELECT id FROM reactor_auth.users WHERE email = 'bob@example.com')`,
  );
  for (const server of [auth, other]) expect(await sampleOf(server, 'reactor_auth_active_sessions')).toBe(1);
});

test('end without a write, at their time', async () => {
  const { database, active } = await databaseWithUser();
  await database.query(insertSql(3));
  expect(await active()).toBe(3);
  expect(await new AuthStore(database).countActiveSessions(new Date(Date.now() + 7_200_000))).toBe(0);
});

test.each([
  [
    'is deleted by token',
    'DELETE FROM reactor_auth.sessions WHERE id = (SELECT min(id::text)::uuid FROM reactor_auth.sessions)',
    4,
  ],
  ['is swept', 'DELETE FROM reactor_auth.sessions WHERE expires_at <= now()', 5],
  ['has a user who is disabled', 'UPDATE reactor_auth.users SET disabled_at = now()', 0],
  ['has a user who is deleted', 'DELETE FROM reactor_auth.users', 0],
  ['is truncated away', 'TRUNCATE reactor_auth.users CASCADE', 0],
])('are fewer when one %s', async (_, sql, left) => {
  const { database, active } = await databaseWithUser();
  await database.query(insertSql(5));
  if (sql.includes('expires_at')) await database.query(insertSql(2, 'ended'));
  await database.query(sql);
  expect(await active()).toBe(left);
  await database.query('TRUNCATE reactor_auth.sessions');
  expect(await active()).toBe(0);
});

test('are right after sixteen have written at once, some of whom took it back or were killed', async () => {
  const { database, active } = await databaseWithUser();
  const write = async (sessions: number) => {
    const connection = await database.connect();
    try {
      await connection.query('BEGIN');
      await connection.query(insertSql(sessions));
      if (sessions % 4 === 0) {
        await connection.query('SELECT pg_terminate_backend(pg_backend_pid())').catch(() => {});
        return 0;
      }
      await connection.query(sessions % 4 === 1 ? 'ROLLBACK' : 'COMMIT');
      return sessions % 4 === 1 ? 0 : sessions;
    } finally {
      connection.release(true);
    }
  };
  const kept = await Promise.all(Array.from({ length: 16 }, (_, i) => write(i + 1)));
  expect(await active()).toBe(kept.reduce((sum, sessions) => sum + sessions, 0));
});

test('are known to a database that had sessions before they were kept', async () => {
  const { database, active } = await databaseWithUser();
  await database.query(insertSql(7));
  await database.query(`DROP TABLE reactor_auth.session_counts; DROP FUNCTION reactor_auth.count_sessions CASCADE`);
  const { auth } = await createTestAuth({ database, start: false });
  const migration = auth.migrations.find(({ id }) => id.includes('keep_session_count'));
  await database.query(migration?.sql ?? '');
  expect(await active()).toBe(7);
});

test('are read without reading the sessions that are active', async () => {
  const { database } = await databaseWithUser();
  await database.query(insertSql(20_000));
  await database.query(insertSql(10, 'ended'));
  await database.query('ANALYZE reactor_auth.sessions');
  const plans: Node[] = [];
  const explaining = {
    query: async (text: string, values: readonly unknown[]) => {
      const { rows } = await database.query<{ 'QUERY PLAN': [{ Plan: Node }] }>(
        `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`,
        values,
      );
      plans.push(...rows.map((row) => row['QUERY PLAN'][0].Plan));
      return { rows: [], rowCount: 0 };
    },
  } as unknown as Database;
  await new AuthStore(explaining).countActiveSessions(new Date());
  const readers = plans.flatMap((plan) => readersOf('sessions', plan));
  expect(readers.map((node) => [node['Node Type'], node['Actual Rows']])).toEqual([['Index Only Scan', 10]]);
});

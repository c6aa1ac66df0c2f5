import { randomBytes } from 'node:crypto';
import type { Queryable } from '@reactor/core';

/** One runner at a time on one database; it ends with its transaction, also behind a pooler. The number is arbitrary. */
const LOCK = 'SELECT pg_advisory_xact_lock(4611922903281379)';

/** Read by the configured login alone: no other role has a privilege on it. */
const TABLE = `
  CREATE SCHEMA IF NOT EXISTS reactor;
  CREATE TABLE IF NOT EXISTS reactor.requests_login (
    name text PRIMARY KEY,
    password text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
  )`;

/** Waits until no other server prepares the login. Within a transaction. */
export async function lockLogin(transaction: Queryable): Promise<void> {
  await transaction.query(LOCK);
}

/**
 * The password of the login, made on first use: equal on every server of this database. Within a transaction that has
 * the lock.
 * @returns whether it is new, so that the server does not know it yet
 */
export async function loginPassword(
  transaction: Queryable,
  name: string,
): Promise<{ readonly password: string; readonly isNew: boolean }> {
  const { rows: tables } = await transaction.query(
    "SELECT FROM (VALUES (to_regclass('reactor.requests_login'))) t (r) WHERE r IS NULL",
  );
  if (tables.length > 0) await transaction.query(TABLE);
  const { rows } = await transaction.query<{ password: string }>(
    'SELECT password FROM reactor.requests_login WHERE name = $1',
    [name],
  );
  const known = rows[0]?.password;
  if (known !== undefined) return { password: known, isNew: false };
  const password = randomBytes(32).toString('base64url');
  await transaction.query('INSERT INTO reactor.requests_login (name, password) VALUES ($1, $2)', [name, password]);
  return { password, isNew: true };
}

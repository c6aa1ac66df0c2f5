import { type Database, type Queryable, uuidv7 } from '@reactor/core';
import { lockMigrations } from '../migrations/store.js';

/** Subscribers read within moments; after this long nobody needs the event. */
const KEPT = "interval '10 minutes'";

/** Each that publishes removes more than it adds. */
const MAX_SWEPT = 100;

const CREATE = `
  CREATE SCHEMA IF NOT EXISTS reactor;
  CREATE UNLOGGED TABLE IF NOT EXISTS reactor.event_payloads (
    id uuid PRIMARY KEY,
    payload text NOT NULL,
    published_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  CREATE INDEX IF NOT EXISTS event_payloads_by_time ON reactor.event_payloads (published_at)`;

/** Nobody waits for a row that another session is removing. */
const PUT = `
  WITH old AS (
    SELECT id FROM reactor.event_payloads WHERE published_at < clock_timestamp() - ${KEPT}
    ORDER BY published_at LIMIT ${MAX_SWEPT} FOR UPDATE SKIP LOCKED
  ), swept AS (
    DELETE FROM reactor.event_payloads WHERE id IN (SELECT id FROM old)
  )
  INSERT INTO reactor.event_payloads (id, payload) VALUES ($1, $2)`;

/** Payloads that are too long for a notification. */
export class Payloads {
  readonly #database: () => Database;
  #created: Promise<void> | undefined;

  constructor(database: () => Database) {
    this.#database = database;
  }

  /** Keeps it for ten minutes, and removes what is older. @returns its id */
  async put(payload: string, transaction: Queryable): Promise<string> {
    this.#created ??= create(this.#database()).catch((error) => {
      this.#created = undefined;
      throw error;
    });
    await this.#created;
    const id = uuidv7();
    await transaction.query(PUT, [id, payload]);
    return id;
  }

  /** Undefined when it is gone, or nobody can say. */
  async get(id: string): Promise<string | undefined> {
    try {
      const text = 'SELECT payload FROM reactor.event_payloads WHERE id = $1';
      const { rows } = await this.#database().query<{ payload: string }>(text, [id]);
      return rows[0]?.payload;
    } catch {
      return undefined;
    }
  }
}

async function create(database: Database): Promise<void> {
  const { rows } = await database.query(
    "SELECT FROM (VALUES (to_regclass('reactor.event_payloads'))) t (r) WHERE r IS NULL",
  );
  if (rows.length === 0) return;
  await database.transaction(async (transaction) => {
    await lockMigrations(transaction);
    await transaction.query(CREATE);
  });
}

import { type Database, type Queryable, uuidv7 } from '@reactor/core';

/** Subscribers read within moments; after this long nobody needs the event. */
const KEPT = "interval '10 minutes'";

/** Each that publishes removes more than it adds. */
const MAX_SWEPT = 100;

/** One creator at a time: `IF NOT EXISTS` does not keep two from colliding. The number is arbitrary and must stay. */
const LOCK_ID = '7021764801939206';

const CREATE_IF_GONE = `DO $$ BEGIN
  IF pg_catalog.to_regclass('reactor.event_payloads') IS NULL THEN
    PERFORM pg_catalog.pg_advisory_xact_lock(${LOCK_ID});
    CREATE SCHEMA IF NOT EXISTS reactor;
    CREATE UNLOGGED TABLE IF NOT EXISTS reactor.event_payloads (
      id uuid PRIMARY KEY,
      payload text NOT NULL,
      published_at timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    CREATE INDEX IF NOT EXISTS event_payloads_by_time ON reactor.event_payloads (published_at);
  END IF;
END $$`;

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

  constructor(database: () => Database) {
    this.#database = database;
  }

  /** Keeps it for ten minutes, and removes what is older. @returns its id */
  async put(payload: string, transaction: Queryable): Promise<string> {
    // Each time and not once: remembering is wrong after a rollback or a restore, and a look costs little beside the payload.
    await createPayloads(transaction);
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

/**
 * The runner of migrations makes the table, so that those who publish need not wait for the transaction of the first of
 * them. It may be gone again, as a dump without it leaves it, or there is no runner.
 */
export async function createPayloads(transaction: Queryable): Promise<void> {
  await transaction.query(CREATE_IF_GONE);
}

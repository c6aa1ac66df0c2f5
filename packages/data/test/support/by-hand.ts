import { type Database, SQLSTATE } from '@reactor/core';

const MAY_BE_TRIED_AGAIN: ReadonlySet<unknown> = new Set(['XX000', SQLSTATE.deadlockDetected]);

/**
 * DDL as somebody runs it by psql. While the server gives privileges, PostgreSQL may answer "tuple concurrently updated"
 * (before 18) or find a deadlock; then it is run again.
 */
export async function byHand(database: Database, sql: string): Promise<void> {
  for (let attempts = 1; ; attempts += 1) {
    const connection = await database.connect();
    try {
      await connection.query(sql);
      return;
    } catch (error) {
      if (!MAY_BE_TRIED_AGAIN.has((error as { code?: unknown }).code) || attempts === 5) throw error;
    } finally {
      // With the transaction that failed, if one did.
      connection.release(true);
    }
  }
}

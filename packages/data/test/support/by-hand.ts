import type { Database } from '@reactor/core';

/**
 * DDL as somebody runs it by psql. While the server gives privileges on the same view or function, PostgreSQL before 18 may answer "tuple
 * concurrently updated"; then it is run again.
 */
export async function byHand(database: Database, sql: string): Promise<void> {
  for (let attempts = 1; ; attempts += 1) {
    const connection = await database.connect();
    try {
      await connection.query(sql);
      return;
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'XX000' || attempts === 5) throw error;
    } finally {
      // With the transaction that failed, if one did.
      connection.release(true);
    }
  }
}

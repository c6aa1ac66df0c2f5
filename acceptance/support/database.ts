import { Client } from 'pg';
import { onTestFinished } from 'vitest';
import type { TestServer } from './server.js';

export interface OperatorConnection {
  readonly client: Client;
  /** The table that records which migrations were applied, with its schema. */
  readonly ledger: string;
}

/** A connection to the database of a server in zero-config, as an operator makes it: with the URL of the banner. */
export async function connectDatabase(server: TestServer): Promise<OperatorConnection> {
  const connectionString = /Database +(\S+)/.exec(server.stderr())?.[1] as string;
  const client = new Client({ connectionString });
  await client.connect();
  // It may outlive the server that the test stops.
  client.on('error', () => {});
  onTestFinished(() => client.end());
  const { rows } = await client.query<{ ledger: string }>(
    `SELECT format('%I.%I', table_schema, table_name) AS ledger
       FROM information_schema.columns WHERE column_name IN ('owner', 'id', 'checksum')
       GROUP BY table_schema, table_name HAVING count(*) = 3`,
  );
  return { client, ledger: (rows[0] as { ledger: string }).ledger };
}

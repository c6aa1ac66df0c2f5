import { randomBytes } from 'node:crypto';
import { silentLogger, systemClock } from '@reactor/core';
import { openDatabase, type PostgresDatabase } from '@reactor/postgres';
import { Client } from 'pg';
import { inject } from 'vitest';
import { DATABASE_URL_KEY } from './provided.js';
import { whenOver } from './when-over.js';

/** A database of one test or test file. */
export interface TestDatabase {
  readonly connectionString: string;
  readonly database: PostgresDatabase;
  /** Removes it before the test is over, for who needs its loss: cuts connections that are still open. Safe twice. */
  drop(): Promise<void>;
}

/** Connection string of the run's server, whose login may create databases. */
export function adminConnectionString(): string {
  const url = inject(DATABASE_URL_KEY);
  if (url === undefined) {
    throw new Error("no test server: add globalSetup: ['../testing/src/global-database.ts'] to vitest.config.ts");
  }
  return url;
}

/** Creates an empty database on the run's server, which goes with the test, or with the file when it is made at its top level. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const admin = adminConnectionString();
  const name = `reactor_test_${randomBytes(8).toString('hex')}`;
  // A copy of the files takes half the time of writing them through the log of changes, which is the default.
  await asAdmin(admin, `CREATE DATABASE ${name} STRATEGY file_copy`);
  const connectionString = withDatabase(admin, name);
  const database = openDatabase({ connectionString, logger: silentLogger, clock: systemClock });
  let dropped: Promise<void> | undefined;
  const drop = () => {
    dropped ??= database.close().then(() => asAdmin(admin, `DROP DATABASE ${name} WITH (FORCE)`));
    return dropped;
  };
  whenOver(drop);
  return { connectionString, database, drop };
}

async function asAdmin(connectionString: string, sql: string): Promise<void> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** Replaces the path of a connection string; a socket URL has no host, which `URL` does not accept. */
function withDatabase(connectionString: string, name: string): string {
  const [, server = '', , query = ''] = /^([a-z]+:\/\/[^/?]*)(\/[^?]*)?(\?.*)?$/.exec(connectionString) ?? [];
  return `${server}/${name}${query}`;
}

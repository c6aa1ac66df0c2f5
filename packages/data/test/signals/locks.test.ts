import { request } from 'node:http';
import { type Database, findLockWaits, silentLogger, systemClock } from '@reactor/core';
import { openDatabase } from '@reactor/postgres';
import { listen, recordingLogger } from '@reactor/testing';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createData, parseDataConfig } from '../../src/index.js';
import { createTestData } from '../support/data.js';
import { databaseWith } from '../support/database.js';
import { testTokens } from '../support/tokens.js';

const TABLES = `
  CREATE TABLE orders (id int PRIMARY KEY, note text DEFAULT 'none'); ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
  CREATE POLICY p ON orders USING (true);
  CREATE TABLE other (id int); ALTER TABLE other ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON other USING (true);
  INSERT INTO orders VALUES (1); INSERT INTO other VALUES (1);
  CREATE FUNCTION slow() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1 FROM pg_sleep(60)';
`;

function another(connectionString: string): Database {
  const database = openDatabase({ connectionString, logger: silentLogger, clock: systemClock });
  onTestFinished(() => database.close());
  return database;
}

/** Another client that has run `sql` in a transaction and does nothing more. @returns its pid, and how it ends */
async function holding(connectionString: string, sql: string) {
  const connection = await another(connectionString).connect();
  onTestFinished(() => connection.release(true));
  await connection.query("SET application_name = 'psql'");
  const { rows } = await connection.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  await connection.query(`BEGIN; ${sql}`);
  return { pid: rows[0]?.pid as number, end: () => connection.query('ROLLBACK') };
}

/** Statements that the server runs for others in this database. */
async function running(look: Database): Promise<readonly string[]> {
  const { rows } = await look.query<{ query: string }>(
    `SELECT query FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'
       AND pid <> pg_backend_pid() AND backend_type = 'client backend'`,
  );
  return rows.map(({ query }) => query);
}

describe('a client that keeps a table from everybody else', () => {
  test('is named by doctor, and no probe leaves anything waiting on the server', async () => {
    const { data, as, connectionString } = await createTestData(TABLES);
    const look = another(connectionString);
    const { pid } = await holding(connectionString, 'LOCK TABLE orders');
    await vi.waitFor(
      async () => {
        const blocked = data.probes.find(({ name }) => name === 'blocked_sessions');
        expect(await blocked?.run(AbortSignal.timeout(5_000))).toEqual({
          status: 'warn',
          code: 'sessions_blocked',
          message: expect.stringMatching(
            new RegExp(`^orders is locked by pid ${pid} \\(psql, idle in transaction, \\d s\\)`),
          ),
          remedy: `Wait for it to end, or run in the database: select pg_terminate_backend(${pid})`,
        });
      },
      { timeout: 8_000, interval: 200 },
    );
    const answers = await Promise.all(
      data.probes.map(async (probe) => {
        const result = await probe.run(AbortSignal.timeout(probe.timeoutMs));
        return [probe.name, result.status, result.message] as const;
      }),
    );
    for (const [name, status, message = ''] of answers) {
      // A look at the catalog that does not meet the lock is as good.
      if (status === 'fail') expect(`${name}: ${message}`).toContain(`orders is locked by pid ${pid} (psql`);
    }
    // The schema is read again now and then, for two seconds at most.
    await expect.poll(() => findLockWaits(look), { timeout: 10_000 }).toEqual([]);
    expect(await data.health.check(AbortSignal.timeout(500))).toEqual({ status: 'ok' });
    expect((await as('alice')('GET', '/other')).status).toBe(200);
  });

  test('costs a caller a 504 that names nobody, and the log says whose lock it is', async () => {
    const { logger, lines } = recordingLogger();
    const { as, connectionString } = await createTestData(TABLES, { logger, config: { statementTimeoutMs: 2_500 } });
    const { pid, end } = await holding(connectionString, 'LOCK TABLE orders');
    const answers = await Promise.all(Array.from({ length: 8 }, () => as('alice')('GET', '/orders')));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(504));
    for (const answer of answers) expect(await answer.text()).not.toContain(String(pid));
    // Beside it: that the schema could not be read, as the table is locked.
    const about = () => lines.find(({ message }) => message.startsWith('statements met their time limit'));
    await vi.waitFor(() => expect(about()).toBeDefined(), { timeout: 10_000 });
    expect(about()).toMatchObject({
      message: 'statements met their time limit while tables were locked',
      fields: {
        // Others may wait behind it by then.
        locks: expect.arrayContaining([
          expect.stringMatching(new RegExp(`^orders is locked by pid ${pid} \\(psql, idle in transaction, \\d s\\)`)),
        ]),
        remedy: expect.stringContaining(`select pg_terminate_backend(${pid})`),
      },
    });
    await end();
    expect((await as('alice')('GET', '/orders')).status).toBe(200);
  });

  test('does not make requests on unknown tables wait on the server', async () => {
    const { as, connectionString } = await createTestData(TABLES);
    const look = another(connectionString);
    const { end } = await holding(connectionString, 'LOCK TABLE orders');
    const answer = await as('alice')('GET', '/nowhere');
    expect(answer.status).toBe(503);
    expect(answer.headers.get('Retry-After')).toBe('1');
    await end();
    expect(await findLockWaits(look)).toEqual([]);
    expect((await as('alice')('GET', '/other')).status).toBe(200);
  });

  test('does not make the types wait for good', async () => {
    const { as, connectionString } = await createTestData(`${TABLES}
      CREATE VIEW seen WITH (security_invoker) AS SELECT id FROM orders;`);
    const { end } = await holding(connectionString, 'LOCK TABLE seen');
    const types = () => as('alice')('GET', '/_admin/types/typescript');
    expect((await types()).status).toBe(503);
    await end();
    expect((await types()).status).toBe(200);
    expect(await findLockWaits(another(connectionString))).toEqual([]);
  });

  test('does not keep the server from starting', async () => {
    const { connectionString, database } = await databaseWith(TABLES);
    const { end } = await holding(connectionString, 'LOCK TABLE orders');
    const context = { logger: silentLogger, clock: systemClock, database, tokens: testTokens };
    const data = createData(parseDataConfig({}), context);
    onTestFinished(() => data.stop(AbortSignal.timeout(1_000)));
    await data.start();
    expect((await data.routes.request('/other')).status).toBe(503);
    await end();
    // Read again after a second, by itself.
    await expect.poll(async () => (await data.routes.request('/other')).status, { timeout: 10_000 }).toBe(200);
  });
});

test('a statement ends on the server when the client leaves', async () => {
  const { app, data, connectionString } = await createTestData(TABLES);
  const look = another(connectionString);
  const { port } = await listen(app);
  const leaving = Array.from({ length: 3 }, () => {
    const client = request({ port, path: '/data/v1/rpc/slow', headers: { Authorization: 'Bearer alice' } });
    client.on('error', () => {});
    client.end();
    return client;
  });
  await vi.waitFor(async () => expect(await running(look)).toHaveLength(3), { timeout: 5_000 });
  for (const client of leaving) client.destroy();
  await vi.waitFor(async () => expect(await running(look)).toEqual([]), { timeout: 5_000 });
  const operations = data.metrics.families.find(({ name }) => name === 'reactor_data_operations_total');
  await vi.waitFor(async () => {
    const { values = [] } = (await operations?.get()) ?? {};
    expect(values.filter(({ value }) => value > 0)).toMatchObject([
      { labels: { operation: 'call', result: 'aborted' }, value: 3 },
    ]);
  });
});

import { expect, test } from 'vitest';
import { doctor, health, signUp } from '../support/client.js';
import { connectDatabase } from '../support/database.js';
import { writeMigrations } from '../support/migrations.js';
import { reactor } from '../support/reactor.js';
import { startServer } from '../support/server.js';
import { until } from '../support/until.js';

const TABLES = `
  create table orders (id int primary key, note text default 'none');
  create table other (id int primary key);
  policy all_of_it on orders for select using (true);
  policy all_of_it on other for select using (true);`;

test('one locked table: doctor names the blocker in time, all else goes on, nothing stays behind in PostgreSQL', async () => {
  const server = await startServer({ environment: { REACTOR_DATA__STATEMENT_TIMEOUT_MS: '2000' } });
  await writeMigrations(server.directory, { '001_tables': TABLES });
  const migrate = () => reactor(server, 'db', 'migrate', 'migrations');
  expect(await migrate()).toMatchObject({ code: 0 });
  const { access_token: token } = await signUp(server);
  const read = (table: string) =>
    fetch(`${server.url}/data/v1/${table}`, { headers: { Authorization: `Bearer ${token}` } });
  const { client } = await connectDatabase(server);
  const { client: look } = await connectDatabase(server);
  await client.query("set application_name = 'psql'; begin; lock table orders");
  const { pid } = (await client.query('select pg_backend_pid() as pid')).rows[0] as { pid: number };
  const locked = new RegExp(`orders is locked by pid ${pid} \\(psql, idle in transaction, \\d+ s\\)`);

  // Many looks at once, as of a dashboard, while people read.
  const answers = Promise.all(Array.from({ length: 8 }, () => read('orders')));
  const started = performance.now();
  const reports = await Promise.all([doctor(server), doctor(server), doctor(server)]);
  expect(performance.now() - started).toBeLessThan(6_000);
  for (const { body } of reports) {
    for (const { name, status, message = '' } of body.data?.checks ?? []) {
      if (status === 'fail') expect(`${name}: ${message}`).toMatch(locked);
    }
  }
  expect((await health(server)).body.status).toBe('ok');
  expect((await read('other')).status).toBe(200);
  expect((await answers).map(({ status }) => status)).toEqual(Array(8).fill(504));
  expect((await read('nowhere')).status).toBe(503);

  const blocked = await until('the probe to speak', async () => {
    const { body } = await doctor(server);
    return body.data?.checks.find(({ name, status }) => name === 'blocked_sessions' && status !== 'ok');
  });
  expect(blocked.message).toMatch(locked);
  expect(blocked.remedy).toContain(`select pg_terminate_backend(${pid})`);
  expect(server.stdout() + server.stderr()).toMatch(locked);
  // The schema is read again now and then, for two seconds at most.
  const waiting = async () =>
    (await look.query("select query from pg_stat_activity where wait_event_type = 'Lock'")).rows;
  await expect.poll(waiting, { timeout: 15_000 }).toEqual([]);

  await look.query(`select pg_terminate_backend(${pid})`);
  await until('reads to work', async () => ((await read('orders')).status === 200 ? true : undefined));
  await until('the schema to be read', async () => ((await read('nowhere')).status === 404 ? true : undefined), 40_000);
});

test('a migration behind an open transaction: reads go on, and the error names pid, age and query', async () => {
  const server = await startServer();
  await writeMigrations(server.directory, { '001_tables': TABLES });
  const run = () => reactor(server, 'db', 'migrate', 'migrations');
  expect(await run()).toMatchObject({ code: 0 });
  const { access_token: token } = await signUp(server);
  const { client } = await connectDatabase(server);
  await client.query("set application_name = 'psql'");
  await client.query("begin; select 'secret' from orders");
  await writeMigrations(server.directory, { '002_more': 'alter table orders add column more int;' });
  const failed = run().then(({ code, stderr }) => `${code} ${stderr}`);
  let settled = false;
  void failed.then(() => {
    settled = true;
  });
  while (!settled) {
    const answer = await fetch(`${server.url}/data/v1/orders`, { headers: { Authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(200);
    await answer.arrayBuffer();
  }
  expect(await failed).toMatch(
    /^5 error: 002_more\.sql:1: orders is locked by pid \d+ \(psql, idle in transaction, \d+ s\); its query: begin; select \? from orders\. .*select pg_terminate_backend\(\d+\)/,
  );
  await client.query('rollback');
  expect((await run()).stdout).toBe('applied 002_more\n1 applied\n');
});

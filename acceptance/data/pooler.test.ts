import { Client } from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createBucket, doctor, PASSWORD, putObject, type SignedUp, signUp } from '../support/client.js';
import { linesOf } from '../support/log.js';
import { writeMigrations } from '../support/migrations.js';
import { startPgBouncer } from '../support/pgbouncer.js';
import { type ExternalPostgres, externalPostgres } from '../support/postgres.js';
import { type Random, randomOf } from '../support/random.js';
import { projectDirectory, startServer, type TestServer } from '../support/server.js';

/** All requests of the mixed load together; the full run has 8 000. */
// biome-ignore lint/complexity/useLiteralKeys: process.env is an index signature
const REQUESTS = Number(process.env['REACTOR_TEST_POOLER_REQUESTS'] ?? 400);
/** Requests under way at a time: more than the pooler has server connections. */
const WORKERS = 16;

const NOTES = `
CREATE TABLE notes (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  owner_id uuid NOT NULL DEFAULT auth.user_id(),
  text text NOT NULL
);
policy own on notes for all using (owner_id = auth.user_id()) check (owner_id = auth.user_id());
CREATE FUNCTION whoami() RETURNS text LANGUAGE sql STABLE AS $$ SELECT auth.user_id()::text $$;
`;

interface Note {
  readonly id: number;
  readonly owner_id: string;
  readonly text: string;
}

interface Person {
  readonly account: SignedUp;
  /** Texts that the server acknowledged. */
  readonly texts: Set<string>;
}

describe.each(['transaction', 'session'] as const)('behind PgBouncer in %s mode', (mode) => {
  test('users, the operator and migrations at once: every answer is right', { timeout: 300_000 }, async () => {
    // biome-ignore lint/complexity/useLiteralKeys: process.env is an index signature
    const seed = Number(process.env['REACTOR_TEST_SEED'] ?? Date.now() % 100_000);
    process.stdout.write(`pooler in ${mode} mode: REACTOR_TEST_SEED=${seed}, ${REQUESTS} requests\n`);
    const random = randomOf(seed);
    const { postgres, server, urlFor } = await serverBehindPooler(mode);
    const people = await Promise.all(
      Array.from({ length: 6 }, async (): Promise<Person> => ({ account: await signUp(server), texts: new Set() })),
    );
    await createBucket(server, 'pooled');

    const poison = mode === 'transaction' ? await startPoisoning(postgres, urlFor, random) : async () => {};
    let left = REQUESTS;
    const wrong: string[] = [];
    const worker = async (number: number) => {
      for (let i = 0; left > 0; i++) {
        left -= 1;
        await step(server, people, random, `${number}-${i}`).catch((error: Error) => wrong.push(error.message));
      }
    };
    await Promise.all(Array.from({ length: WORKERS }, (_, number) => worker(number)));
    await poison();
    const failures = linesOf(server).filter(({ level }) => level === 'WARN' || level === 'ERROR');
    expect({ wrong, failures }).toEqual({ wrong: [], failures: [] });

    // What was acknowledged is there, once, and nothing else.
    for (const { account, texts } of people) {
      const answer = await server.admin(`/data/v1/notes?owner_id=eq.${account.user.id}&select=text&limit=1000`);
      const own = ((await answer.json()) as Note[]).map(({ text }) => text);
      expect(own.sort()).toEqual([...texts].sort());
    }
    const report = (await doctor(server)).body.server?.checks;
    expect(report?.find(({ name }) => name === 'pooler')).toMatchObject({
      status: 'warn',
      message: expect.stringContaining('A pooler is in front of PostgreSQL'),
      remedy: expect.stringContaining('database.direct_url'),
    });
    expect(report?.find(({ name }) => name === 'requests_login')).toMatchObject({ status: 'ok' });
    // Said once, and no statement was lost on the way to know it.
    const said = linesOf(server).filter(({ fields }) => String(fields.message).startsWith('a pooler stands between'));
    expect(said).toHaveLength(1);
  });
});

test('LISTEN takes database.direct_url, and the doctor is content', async () => {
  const { server, urlFor } = await serverBehindPooler('transaction', (direct) => ({
    REACTOR_DATABASE__DIRECT_URL: direct,
  }));
  expect((await doctor(server)).body.server?.checks.find(({ name }) => name === 'pooler')).toMatchObject({
    status: 'ok',
  });
  // DDL of somebody else, by the pooler, is heard of at once.
  const client = await connect(urlFor('postgres', 'of-postgres', 'app'));
  await client.query(
    'CREATE TABLE later (id int PRIMARY KEY); ALTER TABLE later ENABLE ROW LEVEL SECURITY; CREATE POLICY all_of_it ON later USING (true)',
  );
  await client.query('GRANT SELECT ON later TO reactor_anon');
  await expect.poll(async () => (await fetch(`${server.url}/data/v1/later`)).status, { timeout: 4_000 }).toBe(200);
  expect(await migrateWithoutTransaction(server)).toMatchObject({ status: 200, body: { applied: ['950_index'] } });
});

test('requests keep their login when the pooler is full or the database behind it restarts', async () => {
  const { postgres, server, urlFor } = await serverBehindPooler('transaction');
  const person = await signUp(server);
  const read = () =>
    fetch(`${server.url}/data/v1/notes`, { headers: { Authorization: `Bearer ${person.access_token}` } });
  expect((await read()).status).toBe(200);
  postgres.control('-m', 'fast', 'stop');
  // The pooler keeps them waiting for a while, then it closes their connections.
  const meanwhile = await Promise.all(Array.from({ length: 6 }, async () => (await read()).status));
  expect(new Set(meanwhile)).toEqual(new Set([503]));
  postgres.control('start');
  await expect.poll(async () => (await read()).status, { timeout: 30_000 }).toBe(200);

  // All of the pooler's connections are taken by somebody else.
  const takers = [];
  for (let taken = 0; taken < 300; taken++) {
    const client = new Client({ connectionString: urlFor('postgres', 'of-postgres', 'app') });
    client.on('error', () => {});
    const isIn = await client.connect().then(
      () => true,
      () => false,
    );
    if (!isIn) break;
    takers.push(client);
  }
  await Promise.all(Array.from({ length: 40 }, read));
  await Promise.all(takers.map((client) => client.end()));
  await expect.poll(async () => (await read()).status, { timeout: 30_000 }).toBe(200);
  const said = linesOf(server).filter(({ fields }) => String(fields.message).includes('configured login'));
  expect(said).toEqual([]);
  // It asks on other connections than the reads, and the pooler frees those of the takers one by one.
  const login = async () => serverCheck(await doctor(server), 'requests_login')?.status;
  await expect.poll(login, { timeout: 30_000 }).toBe('ok');
});

test('a pooler that does not know the login is told about by doctor', async () => {
  const { server } = await serverBehindPooler('transaction', () => ({}), { users: ['postgres'] });
  expect(serverCheck(await doctor(server), 'requests_login')).toMatchObject({
    status: 'warn',
    message: expect.stringMatching(/the server refused their own, reactor_requests_\w{8} \(/),
    remedy: expect.stringContaining('Where the pooler has a list of users, add reactor_requests_'),
  });
});

function serverCheck({ body }: Awaited<ReturnType<typeof doctor>>, name: string) {
  return body.server?.checks.find((check) => check.name === name);
}

test('a migration without a transaction is refused where only the pooler is known', async () => {
  const { server } = await serverBehindPooler('transaction');
  const { status, body } = await migrateWithoutTransaction(server);
  expect(status).toBe(400);
  expect(body.error.message).toContain('database.direct_url');
});

async function migrateWithoutTransaction(server: TestServer) {
  const sql = '-- reactor:no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS notes_by_owner ON notes (owner_id)';
  const answer = await server.admin('/data/v1/_admin/migrate?dry_run=false', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ migrations: [{ name: '950_index', sql }] }),
  });
  return { status: answer.status, body: await answer.json() };
}

test('with prepared_statements = true the doctor warns of a pooler', async () => {
  const { server } = await serverBehindPooler('session', () => ({ REACTOR_DATABASE__PREPARED_STATEMENTS: 'true' }));
  await signUp(server);
  expect((await doctor(server)).body.server?.checks.find(({ name }) => name === 'pooler')).toMatchObject({
    status: 'warn',
    remedy: expect.stringContaining('database.prepared_statements = "auto"'),
  });
});

async function serverBehindPooler(
  mode: 'transaction' | 'session',
  environmentFor: (directUrl: string) => Readonly<Record<string, string>> = () => ({}),
  { users }: { readonly users?: readonly string[] } = {},
) {
  const postgres = await externalPostgres();
  await postgres.sql("ALTER ROLE postgres PASSWORD 'of-postgres'");
  await postgres.sql('CREATE DATABASE app');
  const pooler = await startPgBouncer(postgres, mode, users);
  const directory = await projectDirectory();
  const migrations = await writeMigrations(directory, { '001_notes': NOTES });
  const server = await startServer({
    directory,
    environment: {
      ...migrations,
      REACTOR_DATABASE__URL: pooler.urlFor('postgres', 'of-postgres', 'app'),
      ...environmentFor(postgres.urlFor('postgres', 'of-postgres', 'app')),
    },
  });
  return { postgres, server, urlFor: pooler.urlFor };
}

async function connect(connectionString: string): Promise<Client> {
  const client = new Client({ connectionString });
  client.on('error', () => {});
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

/**
 * Another client of the same logins leaves on their server connections what a session can hold.
 * @returns ends it
 */
async function startPoisoning(
  postgres: ExternalPostgres,
  urlFor: (user: string, password: string, database: string) => string,
  random: Random,
): Promise<() => Promise<void>> {
  const direct = await connect(postgres.urlFor('postgres', '', 'app'));
  const { rows } = await direct.query<{ name: string; password: string }>(
    'SELECT name, password FROM reactor.requests_login',
  );
  await direct.query(
    'CREATE SCHEMA evil; CREATE VIEW evil.notes AS SELECT * FROM public.notes; GRANT USAGE ON SCHEMA evil TO PUBLIC',
  );
  await direct.query('CREATE TABLE evil.users (id uuid); GRANT SELECT ON ALL TABLES IN SCHEMA evil TO PUBLIC');
  const login = rows[0] as { name: string; password: string };
  const clients = await Promise.all([
    connect(urlFor('postgres', 'of-postgres', 'app')),
    connect(urlFor(login.name, login.password, 'app')),
  ]);
  const poisons = [
    'SET ROLE reactor_anon',
    'SET ROLE reactor_authenticated',
    'SET search_path = evil, pg_catalog',
    `SET "request.jwt.claims" = '{"sub":"00000000-0000-0000-0000-000000000000"}'`,
    'RESET ROLE',
  ];
  let names = 0;
  let running = true;
  const loops = clients.map(async (client) => {
    while (running) {
      await client.query(random.pick(poisons));
      names += 1;
      await client.query(`PREPARE reactor_${names} AS SELECT 'poison' AS body`).catch(() => {});
    }
  });
  return async () => {
    running = false;
    await Promise.all(loops);
  };
}

/** One request and what must be true of its answer. @throws Error that says what was wrong */
async function step(server: TestServer, people: readonly Person[], random: Random, label: string): Promise<void> {
  const person = random.pick(people);
  const { access_token: token, user } = person.account;
  const call = (to: string, init: RequestInit = {}) =>
    fetch(`${server.url}${to}`, {
      ...init,
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', ...init.headers },
    });
  const must = (holds: boolean, what: string, answer: unknown) => {
    if (!holds) throw new Error(`${what}: ${JSON.stringify(answer)}`);
  };
  switch (random.below(10)) {
    case 0:
    case 1:
    case 2: {
      const text = `note ${label}`;
      const answer = await call('/data/v1/notes?select=owner_id,text', {
        method: 'POST',
        headers: { Prefer: 'return=representation' },
        body: JSON.stringify({ text }),
      });
      const body = await answer.json();
      must(answer.status === 201 && body[0].owner_id === user.id && body[0].text === text, 'insert', [
        answer.status,
        body,
      ]);
      person.texts.add(text);
      return;
    }
    case 3:
    case 4: {
      const answer = await call('/data/v1/notes?select=id,owner_id,text&order=id.desc&limit=20');
      const body = (await answer.json()) as Note[];
      must(answer.status === 200 && body.every((note) => note.owner_id === user.id), 'own rows', [answer.status, body]);
      return;
    }
    case 5: {
      const answer = await fetch(`${server.url}/data/v1/notes`);
      const body = await answer.json();
      must(answer.status === 200 && body.length === 0, 'rows of nobody', [answer.status, body]);
      return;
    }
    case 6: {
      const answer = await server.admin('/data/v1/notes?select=id,owner_id,text&order=id.desc&limit=5');
      const body = (await answer.json()) as Note[];
      must(answer.status === 200 && body.every((note) => typeof note.text === 'string'), 'operator', [
        answer.status,
        body,
      ]);
      return;
    }
    case 7: {
      const answer = await call('/data/v1/rpc/whoami', { method: 'POST', body: '{}' });
      const body = await answer.json();
      must(answer.status === 200 && body === user.id, 'whoami', [answer.status, body]);
      return;
    }
    case 8: {
      const answer = await call('/auth/v1/user');
      const body = await answer.json();
      must(answer.status === 200 && body.id === user.id, 'user', [answer.status, body]);
      const put = await putObject(server, token, `pooled/${user.id}/${random.below(5)}`, label);
      must(put.status === 200, 'object', [put.status, await put.text()]);
      return;
    }
    default: {
      if (random.below(20) === 0) {
        const table = `t_${label.replace('-', '_')}`;
        const answer = await server.admin('/data/v1/_admin/migrate?dry_run=false', {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({
            migrations: [{ name: `900_${table}`, sql: `CREATE TABLE ${table} (id int PRIMARY KEY)` }],
          }),
        });
        must(answer.status === 200, 'migrate', [answer.status, await answer.text()]);
        return;
      }
      const answer = await fetch(`${server.url}/auth/v1/login`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ email: user.email, password: PASSWORD }),
      });
      const body = await answer.json();
      // Sign-in is limited for each address.
      must(answer.status === 429 || (answer.status === 200 && body.user.id === user.id), 'sign-in', [
        answer.status,
        body,
      ]);
    }
  }
}

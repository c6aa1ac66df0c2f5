import { createHash, randomBytes } from 'node:crypto';
import { readdir, utimes } from 'node:fs/promises';
import path from 'node:path';
import { temporaryDirectory } from '@reactor/testing/tools';
import { expect, test } from 'vitest';
import { createBucket, PASSWORD, putObject, signUp } from '../support/client.js';
import { connectDatabase } from '../support/database.js';
import { writeMigrations } from '../support/migrations.js';
import { processesOf } from '../support/processes.js';
import { startServer, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';

const ROUNDS = Number(process.env.REACTOR_TEST_KILLS ?? 8);

/** A client address of its own for each account: sign-up and sign-in are limited per address. */
const addressOf = (i: number) => `198.51.${i % 256}.${Math.floor(i / 256)}`;

interface Ledger {
  /** Key → sha256 of what the server acknowledged last. */
  readonly objects: Map<string, string>;
  readonly emails: string[];
  /** Row id → text that the server acknowledged, or may have written when it died. */
  readonly rows: Map<number, string>;
}

/** Does it again and again until the server dies. An answer that says no is a failure of the test. */
async function untilDeath(step: (i: number) => Promise<void>): Promise<void> {
  for (let i = 0; ; i++) {
    try {
      await step(i);
    } catch (error) {
      // What fetch throws when the connection ends.
      if (error instanceof TypeError) return;
      throw error;
    }
  }
}

function writeObjects(server: TestServer, token: string, ledger: Ledger, round: number, worker: number): Promise<void> {
  return untilDeath(async (i) => {
    const key = `crash/${worker}/${i % 5 === 3 ? 'same' : `${round}-${i}`}`;
    const body = randomBytes(1000 + ((i * 7919) % 60_000));
    const sha256 = createHash('sha256').update(body).digest('hex');
    // Until the answer is there, either content is right.
    const before = ledger.objects.get(key);
    ledger.objects.set(key, before === undefined ? `maybe:${sha256}` : `${before}|${sha256}`);
    const response = await putObject(server, token, key, body);
    if (response.status !== 200) throw new Error(`PUT: ${response.status} ${await response.text()}`);
    ledger.objects.set(key, sha256);
  });
}

/** Inserts, and updates of every third row: the answer comes after the commit. */
function writeRows(server: TestServer, token: string, ledger: Ledger, round: number): Promise<void> {
  const send = (method: string, path: string, body: object) =>
    fetch(`${server.url}/data/v1/notes${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
  return untilDeath(async (i) => {
    const id = round * 100_000 + i;
    ledger.rows.set(id, `maybe:${id}`);
    const inserted = await send('POST', '', { id, text: `${id}` });
    if (inserted.status !== 201) throw new Error(`POST: ${inserted.status} ${await inserted.text()}`);
    ledger.rows.set(id, `${id}`);
    if (i % 3 !== 0) return;
    ledger.rows.set(id, `${id}|${id} changed`);
    const updated = await send('PATCH', `?id=eq.${id}`, { text: `${id} changed` });
    if (updated.status !== 204) throw new Error(`PATCH: ${updated.status} ${await updated.text()}`);
    ledger.rows.set(id, `${id} changed`);
  });
}

/** Slower, since passwords are hashed with care. */
function makeAccounts(server: TestServer, ledger: Ledger, round: number): Promise<void> {
  return untilDeath(async (i) => {
    const email = `crash-${round}-${i}@example.com`;
    await signUp(server, email, addressOf(ledger.emails.length));
    ledger.emails.push(email);
  });
}

test(`kill -9 at a random moment under load, ${ROUNDS} times: nothing acknowledged is lost or torn`, async () => {
  // What is acknowledged is on a disk here, where PostgreSQL and the blob store wait for it.
  const directory = await temporaryDirectory();
  const ledger: Ledger = { objects: new Map(), emails: [], rows: new Map() };
  const migrations = await writeMigrations(directory, {
    '001_notes':
      'CREATE TABLE notes (id int PRIMARY KEY, text text NOT NULL); policy open on notes for all using (true) check (true);',
  });
  const options = {
    directory,
    environment: { ...migrations, REACTOR_TRACING__FILTER: 'warn', REACTOR_SERVER__TRUSTED_PROXIES: '127.0.0.1' },
  };
  let server = await startServer(options);
  await createBucket(server, 'crash');
  const person = await signUp(server, 'owner@example.com');

  for (let round = 0; round < ROUNDS; round++) {
    const workers = [0, 1, 2].map((worker) => writeObjects(server, person.access_token, ledger, round, worker));
    workers.push(makeAccounts(server, ledger, round), writeRows(server, person.access_token, ledger, round));
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 1000));
    await server.end('SIGKILL');
    await Promise.all(workers);
    await until('PostgreSQL to follow', async () =>
      (await processesOf(server.stateDirectory)).length === 0 ? true : undefined,
    );
    server = await startServer(options);
  }

  for (const [key, expected] of ledger.objects) {
    const response = await fetch(`${server.url}/storage/v1/object/${key}`, {
      headers: { Authorization: `Bearer ${person.access_token}` },
    });
    if (response.status === 404 && expected.startsWith('maybe:')) continue;
    expect(response.status, key).toBe(200);
    const sha256 = createHash('sha256')
      .update(new Uint8Array(await response.arrayBuffer()))
      .digest('hex');
    expect(expected.replace('maybe:', '').split('|'), key).toContain(sha256);
    expect(response.headers.get('ETag')).toContain(sha256);
  }
  expect(ledger.objects.size).toBeGreaterThan(2 * ROUNDS);
  expect(ledger.emails.length).toBeGreaterThan(0);
  for (const [i, email] of ledger.emails.entries()) {
    const login = await fetch(`${server.url}/auth/v1/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Forwarded-For': addressOf(i) },
      body: JSON.stringify({ email, password: PASSWORD }),
    });
    expect(login.status, email).toBe(200);
  }
  expect(ledger.rows.size).toBeGreaterThan(2 * ROUNDS);
  const { client } = await connectDatabase(server);
  const { rows } = await client.query<{ id: number; text: string }>('SELECT id, text FROM notes');
  const found = new Map(rows.map(({ id, text }) => [id, text]));
  for (const [id, expected] of ledger.rows) {
    const text = found.get(id);
    found.delete(id);
    if (text === undefined && expected.startsWith('maybe:')) continue;
    expect(expected.replace('maybe:', '').split('|'), `${id}`).toContain(text);
  }
  expect([...found.keys()]).toEqual([]);
  // The sweep takes what is too old to be an upload under way.
  expect(await server.end('SIGTERM')).toBe(0);
  const blobs = path.join(server.stateDirectory, 'blobs');
  for (const file of await temporaryFiles(blobs)) await utimes(file, 0, 0);
  server = await startServer(options);
  await until('the sweep', async () => ((await temporaryFiles(blobs)).length === 0 ? true : undefined));
  expect(await server.end('SIGTERM')).toBe(0);
  await until('every process to end', async () => (await processesOf(server.stateDirectory)).length === 0 || undefined);
}, 300_000);

async function temporaryFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => /te?mp|part/i.test(path.relative(folder, file)));
}

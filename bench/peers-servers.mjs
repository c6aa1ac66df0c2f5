// Starts what peers.mjs measures, with the same rows, the same user and the same number of connections in each.
import { createPublicKey, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { CURSORS_QUERY, dialects, parseId, ROW_SQL, ROWS } from './peers-cases.mjs';
import { startReactor } from './reactor.mjs';
import { freePort, startProcess } from './server-process.mjs';

const POOL_SIZE = 10;
/** Of all pools of Reactor; the pool of requests has ten of them. */
const REACTOR_POOL_MAX = 14;
const PASSWORD = 'correct horse battery';
const MIGRATIONS = fileURLToPath(new URL('peers/migrations', import.meta.url));

/**
 * @param url of a database `name`
 * @param folder for files of the servers
 * @param started gets each process as soon as it runs, so that it can be stopped whatever happens
 * @returns for each server `{ name, port, pid, userId, dialect, idOf(n), stored(id) }`; `stored` reads a note from its table
 */
export async function startPeers(url, folder, started) {
  await query(url('postgres'), 'CREATE DATABASE reactor');
  await query(url('postgres'), 'CREATE DATABASE parse');

  const reactor = await startWithTables(url('reactor'), `${folder}/reactor`, started);
  const { access_token: token, user } = reactor.session;
  await query(
    url('reactor'),
    `INSERT INTO todos (owner_id, title, done, priority, created_at)
     SELECT '${user.id}'::uuid, ${ROW_SQL} FROM generate_series(1, ${ROWS}) AS n`,
  );
  await query(url('reactor'), 'VACUUM ANALYZE todos');

  const settings = { connectionString: url('reactor'), poolSize: POOL_SIZE, ...reactor.verification };
  const startPeer = (name, more) =>
    startProcess(
      new URL(`peers/${name}.mjs`, import.meta.url),
      { ...settings, ...more },
      { cwd: folder, logFile: `${folder}/${name}.log`, started },
    );
  const fastify = await startPeer('fastify');
  const postgraphile = await startPeer('postgraphile');
  const parse = await startParse(startPeer, url('parse'));

  const cursors = await readCursors(postgraphile.port, token);
  const dialectOf = dialects({ token, parse, cursors });
  const storedIn = (database, sql) => async (id) => (await query(database, sql, [id])).rows[0];
  const note = storedIn(
    url('reactor'),
    'SELECT id, owner_id AS owner, title, done, priority, created_at FROM notes WHERE id = $1',
  );
  const parseNote = storedIn(
    url('parse'),
    `SELECT "objectId" AS id, _wperm[1] AS owner, title, done, priority::int, "createdAt" AS created_at
     FROM "Note" WHERE "objectId" = $1`,
  );
  return [
    { name: 'reactor', ...reactor, userId: user.id, stored: note },
    { name: 'fastify', ...fastify, userId: user.id, stored: note },
    { name: 'postgraphile', ...postgraphile, userId: user.id, stored: note },
    { name: 'parse-server', ...parse, stored: parseNote, idOf: parseId },
  ].map((server) => ({ idOf: (n) => n, ...server, dialect: dialectOf[server.name] }));
}

async function startWithTables(databaseUrl, directory, started) {
  await mkdir(directory);
  await writeFile(
    `${directory}/Reactor.toml`,
    `[project]\nenv = "dev"
     [database]\nurl = ${JSON.stringify(databaseUrl)}\npool_max = ${REACTOR_POOL_MAX}
     [auth]\n[data]\nmigrations_dir = ${JSON.stringify(MIGRATIONS)}\n[storage]\n`,
  );
  const server = await startReactor(directory);
  started(server.child);
  const auth = `http://127.0.0.1:${server.port}/auth/v1`;
  const session = await json(`${auth}/signup`, { email: 'user@example.com', password: PASSWORD });
  const { keys } = await json(`${auth}/keys`);
  const claims = JSON.parse(Buffer.from(session.access_token.split('.')[1], 'base64url'));
  const verification = {
    publicKey: createPublicKey({ key: keys[0], format: 'jwk' }).export({ type: 'spki', format: 'pem' }),
    issuer: claims.iss,
    audience: claims.aud,
  };
  return { ...server, session, verification };
}

async function startParse(startPeer, databaseUrl) {
  const key = () => randomBytes(16).toString('hex');
  const keys = { appId: 'bench', masterKey: key(), maintenanceKey: key(), restAPIKey: key() };
  const server = await startPeer('parse-server', {
    connectionString: databaseUrl,
    port: await freePort(),
    keys,
  });
  const application = { 'X-Parse-Application-Id': keys.appId, 'X-Parse-REST-API-Key': keys.restAPIKey };
  const user = { username: 'user', password: PASSWORD };
  const { objectId, sessionToken } = await json(`http://127.0.0.1:${server.port}/parse/users`, user, application);
  await query(
    databaseUrl,
    `INSERT INTO "Todo" ("objectId", "updatedAt", _rperm, _wperm, title, done, priority, "createdAt")
     SELECT 'row' || lpad(n::text, 7, '0'), now(), ARRAY['${objectId}'], ARRAY['${objectId}'], ${ROW_SQL}
     FROM generate_series(1, ${ROWS}) AS n`,
  );
  await query(databaseUrl, 'VACUUM ANALYZE "Todo"');
  return { ...server, userId: objectId, headers: { ...application, 'X-Parse-Session-Token': sessionToken } };
}

async function readCursors(port, token) {
  const headers = { Authorization: `Bearer ${token}` };
  const { data, errors } = await json(`http://127.0.0.1:${port}/graphql`, { query: CURSORS_QUERY }, headers);
  if (errors !== undefined) throw new Error(`PostGraphile: ${JSON.stringify(errors)}`);
  return data.allTodos.edges.map(({ cursor }) => cursor);
}

async function query(connectionString, sql, values) {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    return await client.query(sql, values);
  } finally {
    await client.end();
  }
}

/** @throws Error for an answer that is not 2xx */
async function json(url, body, headers = {}) {
  const post = {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'Content-Type': 'application/json', ...headers },
  };
  const answer = await fetch(url, body === undefined ? {} : post);
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

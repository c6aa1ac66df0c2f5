import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createBucket, putObject, signUp } from '../support/client.js';
import { writeMigrations } from '../support/migrations.js';
import { type Random, randomOf } from '../support/random.js';
import { projectDirectory, startServer } from '../support/server.js';

const REQUESTS = 10_000;
const CONNECTIONS = 16;

const NOTES = `
  CREATE TABLE authors (id int PRIMARY KEY, name text);
  CREATE TABLE notes (id int PRIMARY KEY, author_id int REFERENCES authors, text text);
  policy readable on authors for select using (true);
  policy open on notes for all using (true) check (true);
  CREATE FUNCTION add(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE RETURN a + b;
  INSERT INTO authors VALUES (1, 'Ann');
  INSERT INTO notes VALUES (1, 1, 'one'), (2, NULL, NULL);`;

const METHODS = [
  'GET',
  'GET',
  'PUT',
  'POST',
  'DELETE',
  'PATCH',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'PROPFIND',
  'get',
  'G\tET',
  '',
];
const STRINGS = [
  '',
  '%00',
  '%2e%2e%2f',
  '../',
  '..%2f..%2fetc/passwd',
  '%',
  '%zz',
  '%ff%fe',
  '\u00e9',
  '%F0%9F%92%A9',
  "'; DROP TABLE users; --",
  '<script>',
  '$(id)',
  '{{7*7}}',
  '\\',
  '//',
  '/.',
  'a'.repeat(2000),
  '0',
  '-1',
  '1e309',
  'null',
  'true',
  '[]',
  '{}',
  '*',
  '?',
  '#',
  '\\u0000',
  '%0d%0aX-Injected:%201',
  'con',
  '.env',
  '__proto__',
  'constructor',
  '%25%32%65',
  ';',
  '|',
  '&&',
  '%20',
  '+',
];
const PATHS = [
  '/',
  '/health',
  '/livez',
  '/readyz',
  '/metrics',
  '/_admin/doctor',
  '/_admin/logs',
  '/_admin/version',
  '/_admin/migrate',
  '/_api/openapi.json',
  '/auth/v1/signup',
  '/auth/v1/login',
  '/auth/v1/token',
  '/auth/v1/logout',
  '/auth/v1/user',
  '/auth/v1/keys',
  '/auth/v1/get-session',
  '/auth/v1/sign-in/email',
  '/auth/v1/sign-up/email',
  '/auth/v1/organization/create',
  '/auth/v1/organization/list',
  '/auth/v1/update-user',
  '/data/v1/',
  '/data/v1/notes',
  '/data/v1/notes?id=eq.1',
  '/data/v1/notes?select=id,text,authors(name)',
  '/data/v1/rpc/add?a=1&b=2',
  '/data/v1/_admin/migrate',
  '/data/v1/_admin/migrations',
  '/data/v1/_admin/reload',
  '/storage/v1/buckets',
  '/storage/v1/buckets/attic',
  '/storage/v1/buckets/attic/objects',
  '/storage/v1/object/attic/a',
  '/storage/v1/object/attic/',
];
const SEPARATORS = [
  '',
  '/',
  '?',
  '&',
  '=',
  '?limit=',
  '?cursor=',
  '?since=',
  '&prefix=',
  '?cascade=',
  '?select=',
  '?id=eq.',
  '&text=like.',
  '&or=(',
  '&order=',
  '&on_conflict=',
  '&columns=',
  '?dry_run=',
];
const BODIES = [
  '',
  '{',
  '[]',
  'null',
  '{}',
  '"x"',
  '{"email":1,"password":[]}',
  '{"email":"a@b.c","password":"x"}',
  '{"email":"a\\u0000@b.c","password":"longenough"}',
  '{"email":"a@b.c","password":"\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000"}',
  '{"id":1,"text":"x"}',
  '[{"id":"\\u0000"},{"text":1e999}]',
  'id,text\n1,"x',
  '{"slug":"UPPER"}',
  '{"slug":"a\\u0000b"}',
  '{"slug":{"$ne":1}}',
  '{"__proto__":{"admin":true},"slug":"x"}',
  `{"slug":"${'a'.repeat(70_000)}"}`,
  `${'['.repeat(20_000)}`,
  '{"refresh_token":"\\u0000"}',
  '{"grant_type":"\\ud800"}',
  'email=a%00b&password=x',
  '\xff\xfe\x00',
  '{"name":"\\u0000","slug":"\\u0000"}',
  '{"metadata":{"a":"\\u0000"},"email":"m@b.c","password":"longenough"}',
];
const HEADERS = [
  'Range: bytes=0-',
  'Range: bytes=5-1',
  'Range: bytes=-0',
  'Range: bytes=99999999999999999999-',
  'Range: bytes=0-0,2-3',
  'Range: lines=1',
  'Range: bytes=a-b',
  'If-None-Match: *',
  'If-None-Match: "x", W/"y',
  'If-Match: \u00e9',
  'If-Modified-Since: never',
  'If-Range: "x"',
  'Accept: \u00ff/\u00ff',
  'Accept-Encoding: \x01',
  'Content-Type: application/json',
  'Content-Type: application/x-www-form-urlencoded',
  'Content-Type: multipart/form-data',
  'Content-Type: ;;;',
  'Content-Type: text/plain',
  'Authorization: Bearer',
  'Authorization: Bearer a.b.c',
  'Authorization: Basic AAAA',
  `Authorization: Bearer ${'x'.repeat(3000)}`,
  'Authorization: \u00ff',
  'X-Request-Id: \u00e9',
  `X-Request-Id: ${'x'.repeat(500)}`,
  'X-Forwarded-For: \u00e9,,,',
  'X-Forwarded-For: 1.2.3.4',
  'Forwarded: for="_x"',
  'traceparent: 00-0-0-0',
  'Cookie: better-auth.session_token=%00',
  'Cookie: a=b; =; ;',
  'Origin: null',
  'Origin: http://evil.example',
  'Expect: 100-continue',
  'Transfer-Encoding: gzip',
  'X-Prometheus-Scrape-Timeout-Seconds: -1',
  'X-Prometheus-Scrape-Timeout-Seconds: NaN',
  'Last-Event-ID: \u00ff',
  'Upgrade: websocket',
  'Connection: upgrade',
  'X-Reactor-Org: \u0000',
  'Prefer: \u00ff',
  'Prefer: return=representation, count=exact',
  'Prefer: handling=strict, max-affected=1',
  'Prefer: tx=rollback, resolution=merge-duplicates',
  'Range-Unit: items',
  'Accept: text/csv',
  'Accept: application/vnd.pgrst.object+json',
  'Content-Type: text/csv',
  'Accept-Profile: reactor_auth',
  'X-HTTP-Method-Override: DELETE',
  'Content-Length: -1',
  'Content-Length: 1e3',
  'Host: \u00e9',
  'Host: a b',
  'Host: x:99999999',
];

/** One request as bytes. The connection closes after it, so that a broken one cannot shift the next. */
function hostileRequest(random: Random, tokens: readonly string[]): Buffer {
  const { pick, below } = random;
  let path = pick(PATHS);
  for (let i = below(3); i > 0; i--) path += pick(SEPARATORS) + pick(STRINGS);
  const headers = ['Connection: close'];
  if (below(10) > 0) headers.push('Host: localhost');
  if (below(2) === 0) headers.push(`Authorization: Bearer ${pick(tokens)}`);
  for (let i = below(4); i > 0; i--) headers.push(pick(HEADERS));
  const body = below(2) === 0 ? pick(BODIES) : '';
  // Sometimes less or more than promised; then the server sees the end of the connection instead.
  if (body !== '')
    headers.push(`Content-Length: ${Math.max(0, Buffer.byteLength(body, 'latin1') + pick([0, 0, 0, 0, -1]))}`);
  return Buffer.from(`${pick(METHODS)} ${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n${body}`, 'latin1');
}

/** @returns the status, or 0 when the server closed without an answer */
async function send(port: number, bytes: Buffer): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk.toString('latin1');
    // A stream or a 100 would keep the connection: the status is all that is asked.
    if (/^HTTP\/1\.1 (?!100)\d{3}/.test(answer)) socket.destroy();
  });
  socket.end(bytes);
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return Number(/^HTTP\/1\.1 (?!100)(\d{3})/.exec(answer.replace(/^HTTP\/1\.1 100[^\n]*\r\n\r\n/, ''))?.[1] ?? 0);
}

test(`${REQUESTS} hostile requests: no 5xx, no crash, and the answers still have their form`, async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
  const random = randomOf(seed);
  const directory = await projectDirectory();
  const migrations = await writeMigrations(directory, { '001_notes': NOTES });
  const server = await startServer({ directory, environment: { ...migrations, REACTOR_TRACING__FILTER: 'error' } });
  const person = await signUp(server);
  await createBucket(server, 'attic', true);
  await putObject(server, person.access_token, 'attic/a', 'some bytes');
  const port = Number(new URL(server.url).port);
  const statuses = new Map<number, number>();
  const faults: string[] = [];
  let sent = 0;
  const worker = async () => {
    while (sent < REQUESTS) {
      sent++;
      const bytes = hostileRequest(random, [server.token, person.access_token, person.refresh_token, 'x']);
      const status = await send(port, bytes);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status >= 500) faults.push(`${status} for ${JSON.stringify(bytes.toString('latin1').slice(0, 600))}`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));

  expect(faults, `seed ${seed}`).toEqual([]);
  // The mix reached the handlers, not only the parser.
  expect(statuses.get(200) ?? 0, `seed ${seed}`).toBeGreaterThan(REQUESTS / 100);
  expect(server.process.exitCode).toBeNull();
  expect((await fetch(`${server.url}/health`)).status).toBe(200);
  expect(
    server
      .stdout()
      .split('\n')
      .filter((line) => line.includes('"ERROR"')),
  ).toEqual([]);
  const missing = await fetch(`${server.url}/no/such/path`);
  expect(missing.status).toBe(404);
  expect(missing.headers.get('X-Request-Id')).toBeTruthy();
  expect(await missing.json()).toMatchObject({ error: { code: 'not_found', status: 404 } });
}, 300_000);

const idle = await startServer();

test.each(['/health', '/auth/v1/keys', '/storage/v1/buckets'])(
  'a body that a GET of %s announces is limited',
  async (path) => {
    const socket = connect(Number(new URL(idle.url).port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    let answer = '';
    // Writing into a connection that the server has closed fails.
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000000\r\n\r\n`);
    const flood = setInterval(() => socket.write('x'.repeat(1000)), 10);
    onTestFinished(() => clearInterval(flood));
    await new Promise((resolve) => socket.once('close', resolve));
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toMatch(/^connection: close\r$/im);
  },
);

import { expect, test } from 'vitest';
import { createBucket, putObject, signUp } from '../support/client.js';
import { accessLineOf, type LogLine, linesOf, openLog } from '../support/log.js';
import { startServer, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';

const server = await startServer();

/** A request whose access line can be told from all others. */
async function ask(path: string, requestId: string, token?: string): Promise<LogLine> {
  const authorization = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  await fetch(`${server.url}${path}`, { headers: { 'X-Request-Id': requestId, ...authorization } });
  return accessLineOf(server, requestId);
}

test('standard output is one stream of JSON lines: the server and every capability, each under its target', async () => {
  await ask('/auth/v1/keys', 'of-auth');
  await ask('/storage/v1/buckets', 'of-storage');
  const lines = linesOf(server);
  for (const line of lines) {
    expect(Object.keys(line)).toEqual(['timestamp', 'level', 'target', 'fields']);
    expect(line.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(line.level).toMatch(/^(INFO|WARN|ERROR)$/);
    expect(line.fields.message).toEqual(expect.any(String));
  }
  const targets = lines.map(({ target }) => target);
  expect(targets).toEqual(expect.arrayContaining(['reactor_server', 'reactor_auth', 'reactor_storage']));
});

test('a request is one line: method, path, status, duration, request id, and whose it was', async () => {
  const person = await signUp(server);
  await createBucket(server, 'logs');
  expect((await putObject(server, person.access_token, 'logs/a', 'x')).status).toBe(200);
  const common = { message: 'request completed', method: 'GET', status: 200, duration_ms: expect.any(Number) };
  const timestamp = expect.any(String);

  const object = '/storage/v1/object/logs/a';
  expect(await ask(object, 'read', person.access_token)).toEqual({
    timestamp,
    level: 'INFO',
    target: 'reactor_storage',
    fields: { ...common, path: object, request_id: 'read', sub: person.user.id },
  });
  const user = '/auth/v1/user';
  expect(await ask(user, 'who', person.access_token)).toEqual({
    timestamp,
    level: 'INFO',
    target: 'reactor_auth',
    fields: { ...common, path: user, request_id: 'who', sub: person.user.id },
  });
  expect((await ask(user, 'who-by-session', person.refresh_token)).fields.sub).toBe(person.user.id);
  expect((await ask(object, 'stranger')).fields).not.toHaveProperty('sub');

  const stream = await openLog(server, `sub=${person.user.id}`);
  const ids: unknown[] = [];
  for await (const { fields } of stream) ids.push(fields.request_id);
  expect(ids.slice(-3)).toEqual(['read', 'who', 'who-by-session']);
});

test('follow=1 shows a request to any part of the server within a second', async () => {
  const stream = await openLog(server, 'follow=1&limit=0');
  for (const path of ['/auth/v1/keys', '/storage/v1/buckets', '/nowhere']) {
    const asked = performance.now();
    await fetch(`${server.url}${path}`);
    let next = await stream.next();
    while (next.value !== undefined && next.value.fields.path !== path) next = await stream.next();
    expect(next.value?.fields.path).toBe(path);
    expect(performance.now() - asked).toBeLessThan(1000);
  }
});

test('capability and since narrow what follow=1 shows, kept lines and live ones', async () => {
  const early = await ask('/storage/v1/buckets', 'early');
  await until('the next millisecond', async () => Date.now() > Date.parse(early.timestamp) || undefined);
  const kept = await ask('/storage/v1/buckets', 'kept');
  await ask('/auth/v1/keys', 'other-kept');
  const stream = await openLog(server, `capability=storage&since=${kept.timestamp}&follow=1`);
  expect((await stream.next()).value).toEqual(kept);
  await ask('/auth/v1/keys', 'other-live');
  const live = await ask('/storage/v1/buckets', 'live');
  expect((await stream.next()).value).toEqual(live);
});

test('REACTOR_TRACING__FILTER decides which lines are written', async () => {
  const levels = (server: TestServer) => new Set(linesOf(server).map(({ level }) => level));
  expect(levels(server)).not.toContain('DEBUG');
  expect(levels(await startServer({ environment: { REACTOR_TRACING__FILTER: 'debug' } }))).toContain('DEBUG');
});

test('[tracing] of Reactor.toml sets filter and form', async () => {
  const config = `[project]\nenv = "dev"\n[tracing]\nfilter = "warn,reactor_auth=info"\nfmt = "pretty"\n[auth]\n`;
  const server = await startServer({ config });
  await fetch(`${server.url}/auth/v1/keys`);
  const line =
    /^\d\d:\d\d:\d\d\.\d{3} {2}INFO reactor_auth request completed method=GET path=\/auth\/v1\/keys status=200 /m;
  await until('the access line', async () => line.test(server.stdout()) || undefined);
  expect(server.stdout()).not.toContain('INFO reactor_server');
});

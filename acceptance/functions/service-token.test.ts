import { expect, test } from 'vitest';
import { createBucket } from '../support/client.js';
import { deploy, json } from '../support/functions.js';
import { linesOf } from '../support/log.js';
import { writeMigrations } from '../support/migrations.js';
import { projectDirectory, startServer } from '../support/server.js';
import { until } from '../support/until.js';

const TELL = `export default async (request, env, ctx) => {
  if (new URL(request.url).pathname === '/token') return new Response(ctx.token ?? 'none');
  const { path, method = 'GET', body, headers } = await request.json();
  const answer = await fetch(env.REACTOR_URL + path, { method, body, headers: { ...headers, Authorization: 'Bearer ' + ctx.token } });
  return new Response(await answer.text(), { status: answer.status });
};`;

test('a function with a right of its own works as the operator on data, storage and functions, and on nothing else', async () => {
  const directory = await projectDirectory();
  const environment = await writeMigrations(directory, {
    '001_notes': 'CREATE TABLE notes (id int PRIMARY KEY, text text);',
  });
  const server = await startServer({ directory, environment });
  await createBucket(server, 'things');
  await deploy(server, 'worker', TELL, { service: true });
  await deploy(server, 'helper', 'export default (r, e, c) => Response.json(c.auth)', { access: 'operator' });
  const work = (path: string, init: object = {}) =>
    fetch(`${server.url}/fn/v1/worker`, json('POST', { path, ...init }));
  const asJson = { headers: { 'Content-Type': 'application/json' } };

  // No policy lets anybody in but the operator.
  const inserted = await work('/data/v1/notes', { method: 'POST', body: '{"id":1,"text":"mine"}', ...asJson });
  expect(inserted.status).toBe(201);
  expect(await (await work('/data/v1/notes?select=text')).json()).toEqual([{ text: 'mine' }]);
  expect((await work('/storage/v1/object/things/a.txt', { method: 'PUT', body: 'hello' })).status).toBe(200);
  expect(await (await work('/storage/v1/object/things/a.txt')).text()).toBe('hello');
  const helped = await work('/fn/v1/helper');
  expect([helped.status, await helped.json()]).toEqual([200, expect.objectContaining({ kind: 'system' })]);

  const refused: string[] = [];
  for (const [path, init] of [
    ['/_admin/doctor', {}],
    ['/_admin/logs', {}],
    ['/_admin/version', {}],
    ['/_admin/shutdown', { method: 'POST' }],
    ['/auth/v1/user', {}],
    ['/storage/v1/buckets', {}],
    ['/storage/v1/buckets', { method: 'POST', body: '{"slug":"other"}', ...asJson }],
    ['/storage/v1/buckets/things', { method: 'DELETE' }],
    ['/fn/v1/_admin/functions', {}],
    ['/fn/v1/_admin/functions', { method: 'POST', body: '{"name":"other"}', ...asJson }],
    ['/fn/v1/_admin/functions/worker', { method: 'DELETE' }],
    ['/fn/v1/_admin/functions/worker/env', {}],
    ['/fn/v1/_admin/functions/worker/env/KEY', { method: 'PUT', body: '{"value":"x"}', ...asJson }],
    ['/fn/v1/_admin/functions/worker/deployments', { method: 'POST', body: 'x' }],
    ['/fn/v1/_admin/functions/worker/promote', { method: 'POST', body: '{}', ...asJson }],
    ['/fn/v1/_admin/functions/worker/rollback', { method: 'POST', body: '{}', ...asJson }],
    ['/data/v1/_admin/migrations', {}],
    ['/data/v1/_admin/migrations', { method: 'POST', body: '{"name":"x","sql":"select 1"}', ...asJson }],
  ] as const) {
    const { status } = await work(path, init);
    const method = 'method' in init ? init.method : 'GET';
    if (status !== 401 && status !== 403) refused.push(`${method} ${path}: ${status}`);
  }
  expect(refused).toEqual([]);
  await until(
    'a line for a use of the token',
    async () =>
      linesOf(server).some(
        ({ target, fields }) => target === 'reactor_functions::audit' && fields.function === 'worker',
      ) || undefined,
  );

  const token = await (await fetch(`${server.url}/fn/v1/worker/token`)).text();
  expect(token.split('.')).toHaveLength(3);
  expect(server.stdout()).not.toContain(token);
  const status = async (path: string) =>
    (await fetch(`${server.url}${path}`, { headers: { Authorization: `Bearer ${token}` } })).status;
  expect(await status('/data/v1/notes')).toBe(200);
  // A signature that was changed, an algorithm that needs none.
  const [head, payload, signature = ''] = token.split('.');
  const none = Buffer.from('{"alg":"none","typ":"reactor-function+jwt"}').toString('base64url');
  const first = signature.startsWith('A') ? 'B' : 'A';
  for (const forged of [
    `${head}.${payload}.${first}${signature.slice(1)}`,
    `${none}.${payload}.`,
    `${none}.${payload}.${signature}`,
  ]) {
    const answer = await fetch(`${server.url}/data/v1/notes`, { headers: { Authorization: `Bearer ${forged}` } });
    expect(answer.status).toBe(401);
  }

  // A version without that right takes it from what is under way too, and one with it gives it back.
  await deploy(server, 'worker', TELL, { service: false });
  expect([await status('/data/v1/notes'), await status('/storage/v1/object/things/a.txt')]).toEqual([401, 401]);
  expect(await (await fetch(`${server.url}/fn/v1/worker/token`)).text()).toBe('none');
  await server.admin('/fn/v1/_admin/functions/worker/rollback', json('POST', {}));
  expect(await status('/data/v1/notes')).toBe(200);
  expect((await server.admin('/fn/v1/_admin/functions/worker', { method: 'DELETE' })).status).toBe(204);
  expect([await status('/data/v1/notes'), await status('/fn/v1/helper')]).toEqual([401, 401]);
});

import { expect, test } from 'vitest';
import { createBucket, putObject, signUp } from '../support/client.js';
import { startServer } from '../support/server.js';

const OWN_ANSWER = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'strict-transport-security': 'max-age=31536000',
};
const OBJECT = { 'x-content-type-options': 'nosniff', 'content-security-policy': 'sandbox' };

const ORIGIN = 'https://app.example.com';
const PREFLIGHT = { Origin: ORIGIN, 'Access-Control-Request-Method': 'PUT' };
const JSON_TYPE = { 'Content-Type': 'application/json' };

test('every answer says what browsers may do with it', async () => {
  const server = await startServer({
    environment: { REACTOR_AUTH__PUBLIC_URL: 'https://api.example.com', REACTOR_SERVER__CORS__ALLOW_ORIGINS: ORIGIN },
  });
  const admin = { Authorization: `Bearer ${server.token}` };
  const person = await signUp(server);
  const user = { Authorization: `Bearer ${person.access_token}` };
  for (const [slug, isPublic] of [['open', true] as const, ['closed', false] as const]) {
    await createBucket(server, slug, isPublic);
    await putObject(server, person.access_token, `${slug}/a`, 'some bytes');
  }
  const answers: [status: number, method: string, path: string, headers?: Record<string, string>, body?: string][] = [
    [404, 'GET', '/'],
    [200, 'GET', '/livez'],
    [200, 'GET', '/readyz'],
    [200, 'HEAD', '/livez'],
    [200, 'GET', '/metrics'],
    [200, 'GET', '/_api/openapi.json'],
    [200, 'GET', '/_admin/doctor', admin],
    [200, 'GET', '/_admin/logs', admin],
    [401, 'GET', '/_admin/version'],
    [403, 'GET', '/_admin/version', { Forwarded: 'for=192.0.2.1' }],
    [405, 'DELETE', '/health'],
    [204, 'OPTIONS', '/storage/v1/object/open/a', PREFLIGHT],
    [200, 'GET', '/auth/v1/keys'],
    [200, 'GET', '/auth/v1/get-session'],
    [200, 'GET', '/auth/v1/user', user],
    [400, 'POST', '/auth/v1/signup', JSON_TYPE, '{'],
    [413, 'POST', '/auth/v1/login', JSON_TYPE, `"${'x'.repeat(2_000_000)}"`],
    [200, 'GET', '/data/v1/', user],
    [404, 'GET', '/data/v1/nothing'],
    [200, 'GET', '/storage/v1/buckets', admin],
    [404, 'GET', '/storage/v1/object/open/none'],
    [416, 'GET', '/storage/v1/object/open/a', { Range: 'bytes=100-' }],
    [412, 'GET', '/storage/v1/object/open/a', { 'If-Match': '"other"' }],
    [401, 'GET', '/storage/v1/object/closed/a'],
  ];
  const objects: typeof answers = [
    [200, 'GET', '/storage/v1/object/open/a'],
    [200, 'HEAD', '/storage/v1/object/open/a'],
    [206, 'GET', '/storage/v1/object/open/a', { Range: 'bytes=0-1' }],
    [200, 'GET', '/storage/v1/object/closed/a', user],
  ];
  const headersOf = async ([, method, path, headers, body]: (typeof answers)[number]) => {
    const init = { method, ...(headers && { headers }), ...(body !== undefined && { body }) };
    const answer = await fetch(`${server.url}${path}`, init);
    await answer.body?.cancel();
    const found = Object.keys(OWN_ANSWER).map((name) => [name, answer.headers.get(name)] as const);
    return [answer.status, method, path, Object.fromEntries(found.filter(([, value]) => value !== null))];
  };
  const seen = [];
  for (const answer of [...answers, ...objects]) seen.push(await headersOf(answer));
  const policyOf = (path: string) => (path.includes('/open/') ? 'cross-origin' : 'same-origin');
  expect(seen).toEqual([
    ...answers.map(([status, method, path]) => [status, method, path, OWN_ANSWER]),
    ...objects.map(([status, method, path]) => [
      status,
      method,
      path,
      { ...OBJECT, 'cross-origin-resource-policy': policyOf(path) },
    ]),
  ]);
});

import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { MAX_BODY_BYTES, MAX_BODY_DEPTH } from '../src/routes/body.js';
import { bearer, createTestAuth, PASSWORD, sampleOf, signUp } from './fixture.js';

/** Deterministic, so that a failure can be repeated: mulberry32. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const STRINGS = [
  '',
  ' ',
  '\u0000',
  'a\u0000b@example.com',
  '\ud800',
  '\udfff@example.com',
  "'; DROP TABLE reactor_auth.users; --",
  '%00',
  '%ZZ',
  '../../etc/passwd',
  '\u202eevil',
  'ﬃ@ｅｘａｍｐｌｅ.com',
  'İ@example.com',
  '🦄'.repeat(300),
  'a'.repeat(20_000),
  `${'a'.repeat(200)}@${'b'.repeat(40)}.com`,
  'ada@example.com',
  'password',
  'null',
  '{}',
  '9'.repeat(400),
  '01a3185c-5000-772f-a7a3-96b42cbab450',
  'https://evil.example/\r\nSet-Cookie: a=b',
  '$(id)',
  '{{7*7}}',
  '__proto__',
];
const KEYS = [
  'email',
  'password',
  'metadata',
  'name',
  'grant_type',
  'refresh_token',
  'organizationId',
  'organizationSlug',
  'slug',
  'role',
  'userId',
  'memberIdOrEmail',
  'invitationId',
  'token',
  'callbackURL',
  'rememberMe',
  'permissions',
  'data',
  'currentPassword',
  'newPassword',
  'image',
  'logo',
  'limit',
  'offset',
  'sortBy',
  'filterField',
  'filterValue',
  'filterOperator',
  '__proto__',
  'constructor',
  'x\u0000',
];

test('no request of a caller gets a 5xx, and every refusal is an envelope', async () => {
  const random = createRandom(20_260_401);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const value = (depth: number): unknown => {
    const kind = Math.floor(random() * (depth > 3 ? 6 : 8));
    if (kind === 6) return Array.from({ length: Math.floor(random() * 4) }, () => value(depth + 1));
    if (kind === 7) return object(depth + 1);
    return [pick(strings), pick(strings), null, random() < 0.5, Math.round((random() - 0.5) * 1e20), 1e308][kind];
  };
  const object = (depth = 0): Record<string, unknown> => {
    const entries = Array.from({ length: 1 + Math.floor(random() * 6) }, (): [string, unknown] => [
      pick(KEYS),
      value(depth),
    ]);
    return Object.defineProperties(
      {},
      Object.fromEntries(entries.map(([key, item]) => [key, { value: item, enumerable: true }])),
    );
  };

  let client = 0;
  // Another network each time: what is to be tried lies behind the limits.
  const auth = await createTestAuth({
    address: () => `10.${(client >> 16) & 255}.${(client >> 8) & 255}.${client++ & 255}`,
  });
  const { user, access_token, refresh_token } = await signUp(auth);
  // With an organization of one's own, more of better-auth is within reach.
  const { body: org } = await auth.post('/organization/create', { name: 'A', slug: 'a' }, bearer(refresh_token));
  const strings = [...STRINGS, user.id, org.id, org.members[0].id, 'a', 'owner', 'eq', 'createdAt', 'asc'];
  // Health tells of the machine, which may be slow, not of the request.
  const paths = [
    ...new Set(
      auth.auth.routes.routes.map(({ path }) => path).filter((path) => !path.includes('*') && path !== '/health'),
    ),
  ];
  expect(paths.length).toBeGreaterThan(30);

  const body = (): string => {
    const text = JSON.stringify(object());
    const choice = random();
    if (choice < 0.05) return text.slice(0, Math.floor(random() * text.length));
    if (choice < 0.08) return `${'['.repeat(30_000)}${']'.repeat(30_000)}`;
    if (choice < 0.1) return pick(['null', '[]', '"x"', '7', 'true', '\u0000', '{"email":"\\ud800"}']);
    return text;
  };
  const query = (): string => {
    if (random() < 0.6) return '';
    return `?${Array.from({ length: 1 + Math.floor(random() * 3) }, () => `${encodeURIComponent(pick(KEYS))}=${safeEncode(pick(strings).slice(0, 2_000))}`).join('&')}`;
  };
  const authorization = () =>
    pick([
      undefined,
      `Bearer ${refresh_token}`,
      `Bearer ${refresh_token}`,
      `Bearer ${access_token}`,
      'Bearer %00%00.x',
      'Bearer a.b.c',
      'Basic x',
      'Bearer',
    ]);

  const statuses = new Map<number, number>();
  for (let i = 0; i < 1_500; i++) {
    const path = pick(paths);
    const method = pick(['GET', 'POST', 'POST', 'POST', 'PUT', 'DELETE', 'PATCH']);
    const headers = new Headers();
    const contentType = pick([
      'application/json',
      'application/json',
      'application/json',
      'application/x-www-form-urlencoded',
      'text/plain',
      'multipart/form-data',
      '',
    ]);
    if (contentType !== '') headers.set('Content-Type', contentType);
    const bearerToken = authorization();
    if (bearerToken !== undefined) headers.set('Authorization', bearerToken);
    if (random() < 0.1)
      headers.set('Cookie', pick(['reactor.session_token=%00.x', 'a=b; a=c', ';;;=', 'reactor.session_token=x']));
    if (random() < 0.1) headers.set('Origin', pick(['null', 'https://evil.example', 'not a url', '']));
    if (random() < 0.05) headers.set('Referer', pick(['::::', 'https://evil.example/x']));
    const target = `http://reactor.test/auth/v1${path}${query()}`;
    const payload = method === 'GET' ? undefined : body();
    const response = await auth.app.request(target, {
      method,
      headers,
      ...(payload === undefined ? {} : { body: payload }),
    });
    const text = await response.text();
    const about = `#${i} ${method} ${target.slice(0, 200)} ${contentType} ${payload?.slice(0, 300)} → ${response.status} ${text.slice(0, 300)}`;
    expect(response.status, about).toBeLessThan(500);
    if (response.status >= 400) {
      expect(JSON.parse(text), about).toMatchObject({
        error: { status: response.status, code: expect.stringMatching(/^[a-z0-9_]+$/) },
      });
    }
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
  }
  // The requests have to get further than the first check for this to say something.
  for (const status of [200, 400, 401, 405, 415]) expect(statuses.get(status) ?? 0, `${status}`).toBeGreaterThan(10);
  expect(await sampleOf(auth, 'reactor_auth_sign_ins_total', { result: 'failed' })).toBe(0);
  expect((await auth.post('/login', { email: 'ada@example.com', password: PASSWORD })).status).toBe(200);
}, 120_000);

function safeEncode(text: string): string {
  return Buffer.from(text, 'utf8')
    .toString('latin1')
    .replace(/[^A-Za-z0-9]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

const JSON_TYPE = { 'Content-Type': 'application/json' };

function bodyOfBytes(size: number): string {
  const frame = JSON.stringify({ email: 'ada@example.com', password: PASSWORD, metadata: { pad: '' } });
  return frame.replace('"pad":""', `"pad":"${'x'.repeat(size - frame.length)}"`);
}

test('a body may have MAX_BODY_BYTES, and not one more', async () => {
  const auth = await createTestAuth();
  const atLimit = bodyOfBytes(MAX_BODY_BYTES);
  expect(Buffer.byteLength(atLimit)).toBe(MAX_BODY_BYTES);
  expect((await auth.post('/signup', atLimit)).status).toBe(201);
  const past = bodyOfBytes(MAX_BODY_BYTES + 1);
  for (const path of ['/signup', '/sign-up/email']) {
    const { status, body } = await auth.post(path, past);
    expect([path, status, body.error.code]).toEqual([path, 413, 'payload_too_large']);
  }
  // Without a Content-Length the limit shows while the body streams in.
  const chunk = new TextEncoder().encode('x'.repeat(10_000));
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += chunk.length;
      controller.enqueue(chunk);
    },
  });
  const init = { method: 'POST', headers: JSON_TYPE, body: endless, duplex: 'half' } as RequestInit;
  expect((await auth.app.request('/auth/v1/login', init)).status).toBe(413);
  expect(sent).toBeLessThan(2 * MAX_BODY_BYTES);
});

test('metadata may be nested MAX_BODY_DEPTH deep, and not one more', async () => {
  const auth = await createTestAuth();
  const nested = (depth: number) => JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`) as unknown;
  const input = (depth: number) => ({ email: `d${depth}@example.com`, password: PASSWORD, metadata: nested(depth) });
  expect((await auth.post('/signup', input(MAX_BODY_DEPTH - 1))).status).toBe(201);
  const { status, body } = await auth.post('/signup', input(MAX_BODY_DEPTH));
  expect([status, body.error.code]).toEqual([400, 'invalid_request']);
});

test.each([
  ['a NUL in a value', { email: 'ada@example.com', password: PASSWORD, metadata: { a: 'x\u0000' } }],
  ['a NUL in a key', { email: 'ada@example.com', password: PASSWORD, metadata: { 'a\u0000': 1 } }],
  ['half a surrogate pair', { email: 'ada@example.com', password: PASSWORD, metadata: { a: '\ud800' } }],
  ['a NUL in the password', { email: 'ada@example.com', password: `${PASSWORD}\u0000` }],
])('%s is refused by name', async (_, input) => {
  const auth = await createTestAuth();
  const { status, body } = await auth.post('/signup', input);
  expect([status, body.error.code]).toEqual([400, 'invalid_request']);
  expect(body.error.message).toContain('U+0000');
});

test.each([
  'limit=1e400',
  'limit=-5',
  'offset=1.5',
  'sortBy=nope',
  'sortBy=role; DROP TABLE reactor_auth.users',
  'filterField=nope&filterValue=1&filterOperator=eq',
  'filterField=role&filterValue=1&filterOperator=in',
  'filterField=createdAt&filterValue=yesterday-ish&filterOperator=gt',
  'filterField=userId&filterValue=abc&filterOperator=contains',
  'organizationId=abc',
  'organizationSlug=%00',
])('members are not listed by %s', async (query) => {
  const auth = await createTestAuth();
  const { refresh_token } = await signUp(auth);
  await auth.post('/organization/create', { name: 'A', slug: 'a' }, bearer(refresh_token));
  const { status } = await auth.get(`/organization/list-members?${query}`, bearer(refresh_token));
  expect(status).toBe(400);
  const good = 'sortBy=createdAt&sortDirection=desc&filterField=role&filterValue=owner&filterOperator=eq';
  expect((await auth.get(`/organization/list-members?${good}`, bearer(refresh_token))).body.total).toBe(1);
});

test.each([{}, { unknown: 1 }])('an organization is not changed by %j', async (data) => {
  const auth = await createTestAuth();
  const { refresh_token } = await signUp(auth);
  await auth.post('/organization/create', { name: 'A', slug: 'a' }, bearer(refresh_token));
  const { status, body } = await auth.post('/organization/update', { data }, bearer(refresh_token));
  expect([status, body.error.code]).toEqual([400, 'invalid_request']);
  const renamed = await auth.post('/organization/update', { data: { name: 'B' } }, bearer(refresh_token));
  expect(renamed.body.name).toBe('B');
});

test('whole surrogate pairs are kept', async () => {
  const auth = await createTestAuth();
  const metadata = { mood: '🦄', '🦄': 'é' };
  const { body } = await auth.post('/signup', { email: 'ada@example.com', password: PASSWORD, metadata });
  expect(body.user.metadata).toEqual(metadata);
});

test('metadata that is no object is refused where better-auth would take it', async () => {
  const auth = await createTestAuth();
  const { refresh_token } = await signUp(auth);
  for (const metadata of [[1], 'text', 7]) {
    const { status } = await auth.post('/update-user', { metadata }, bearer(refresh_token));
    expect([metadata, status]).toEqual([metadata, 400]);
  }
  expect((await auth.post('/update-user', { metadata: { plan: 'pro' } }, bearer(refresh_token))).status).toBe(200);
  expect((await auth.get('/user', bearer(refresh_token))).body.metadata).toEqual({ plan: 'pro' });
});

test.each([
  ['/login', undefined, 'email=ada', 415],
  ['/login', undefined, '', 400],
  ['/login', 'application/json', '', 400],
  ['/login', 'text/plain', '', 415],
  ['/token', 'application/json', '', 400],
  ['/logout', 'application/json', '', 401],
  ['/logout', 'application/json', '[]', 400],
  ['/login', 'application/json;charset', '{}', 415],
  ['/login', 'application/x-www-form-urlencoded', 'email=ada', 415],
  ['/token', 'text/plain', 'x', 415],
  ['/token', 'multipart/form-data; boundary=x', 'x', 415],
  ['/login', 'application/json', '{', 400],
  ['/login', 'application/json; charset=utf-8', '[]', 400],
])('%s with %s %s is answered %i', async (path, type, text, expected) => {
  const auth = await createTestAuth();
  const init = { method: 'POST', headers: type === undefined ? {} : { 'Content-Type': type } };
  const body = new TextEncoder().encode(text);
  const response = await auth.app.request(`/auth/v1${path}`, { ...init, body });
  expect(response.status).toBe(expected);
  expect(await response.json()).toMatchObject({ error: { status: expected } });
});

import { expect, test } from 'vitest';
import { bearer, createTestAuth, PASSWORD, sampleOf, signUp } from './fixture.js';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('answers the user and the session, flat and nested', async () => {
  const auth = await createTestAuth();
  const { status, body, headers } = await auth.post('/signup', {
    email: 'Ada@Example.com',
    password: PASSWORD,
    metadata: { plan: 'pro', nested: { tags: ['a'] } },
  });
  expect(status).toBe(201);
  expect(headers.get('Cache-Control')).toBe('no-store');
  expect(body.user).toEqual({
    id: expect.stringMatching(UUID_V7),
    email: 'ada@example.com',
    email_verified: false,
    metadata: { plan: 'pro', nested: { tags: ['a'] } },
    created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
  });
  const { access_token, refresh_token, expires_at } = body;
  expect(body).toEqual({
    user: body.user,
    session: { access_token, refresh_token, expires_at },
    access_token,
    refresh_token,
    expires_at,
    token_type: 'Bearer',
    expires_in: 3600,
  });
  expect(Math.abs(Date.parse(expires_at) - Date.now() - 3_600_000)).toBeLessThan(10_000);
  expect(await sampleOf(auth, 'reactor_auth_sign_ups_total', { result: 'ok' })).toBe(1);
  expect(await sampleOf(auth, 'reactor_auth_tokens_issued_total', { grant: 'signup' })).toBe(1);
});

test('metadata is an empty object when none is sent', async () => {
  const auth = await createTestAuth();
  const { body } = await auth.post('/signup', { email: 'ada@example.com', password: PASSWORD });
  expect(body.user.metadata).toEqual({});
});

test('an address in another spelling is the same account', async () => {
  const auth = await createTestAuth();
  await signUp(auth, 'ada@example.com');
  const { status, body } = await auth.post('/signup', { email: 'ADA@EXAMPLE.COM', password: PASSWORD });
  expect([status, body.error.code]).toEqual([409, 'email_exists']);
  expect(await sampleOf(auth, 'reactor_auth_sign_ups_total', { result: 'rejected', reason: 'email_exists' })).toBe(1);
});

test('of sign-ups with one address at once, exactly one succeeds and nothing half-written stays', async () => {
  const auth = await createTestAuth();
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, i) =>
      auth.post('/signup', { email: i % 2 === 0 ? 'ada@example.com' : 'Ada@example.com', password: PASSWORD }),
    ),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(11).fill(409)]);
  expect(answers.filter(({ status }) => status === 409).every(({ body }) => body.error.code === 'email_exists')).toBe(
    true,
  );
  const { rows } = await auth.database.query(
    `SELECT (SELECT count(*)::int FROM reactor_auth.users) AS users,
            (SELECT count(*)::int FROM reactor_auth.accounts) AS accounts,
            (SELECT count(*)::int FROM reactor_auth.sessions) AS sessions`,
  );
  expect(rows).toEqual([{ users: 1, accounts: 1, sessions: 1 }]);
});

test.each([7, 129])('refuses a password of %i characters', async (length) => {
  const auth = await createTestAuth();
  const { status, body } = await auth.post('/signup', { email: 'ada@example.com', password: 'x'.repeat(length) });
  expect([status, body.error.code]).toEqual([400, 'weak_password']);
  expect(await sampleOf(auth, 'reactor_auth_sign_ups_total', { result: 'rejected', reason: 'weak_password' })).toBe(1);
});

test.each([8, 128])('takes a password of %i characters', async (length) => {
  const auth = await createTestAuth();
  const { status } = await auth.post('/signup', { email: 'ada@example.com', password: 'x'.repeat(length) });
  expect(status).toBe(201);
});

test.each([
  [{ password: PASSWORD }, 'email'],
  [{ email: 'nobody', password: PASSWORD }, 'email'],
  [{ email: `${'a'.repeat(250)}@example.com`, password: PASSWORD }, 'email'],
  [{ email: 'ada@example.com' }, 'password'],
  [{ email: 'ada@example.com', password: 12345678 }, 'password'],
  [{ email: 'ada@example.com', password: PASSWORD, metadata: [1] }, 'metadata'],
  [{ email: 'ada@example.com', password: PASSWORD, name: '' }, 'name'],
])('names the bad field of sign-up %#', async (input, field) => {
  const auth = await createTestAuth();
  const { status, body } = await auth.post('/signup', input);
  expect([status, body.error.code]).toEqual([400, 'invalid_request']);
  expect(body.error.details.map(({ path }: { path: string }) => path)).toEqual([field]);
});

test('is closed when allow_signup is false, on every route that creates accounts', async () => {
  const auth = await createTestAuth({ section: { allow_signup: false } });
  for (const path of ['/signup', '/sign-up/email']) {
    const { status, body } = await auth.post(path, { email: 'ada@example.com', password: PASSWORD, name: 'Ada' });
    expect([path, status, body.error.code]).toEqual([path, 403, 'signup_disabled']);
  }
  expect(await sampleOf(auth, 'reactor_auth_sign_ups_total', { result: 'rejected', reason: 'signup_disabled' })).toBe(
    2,
  );
  const { rows } = await auth.database.query('SELECT id FROM reactor_auth.users');
  expect(rows).toEqual([]);
});

test('is open to the operator also when it is closed, on every route that creates accounts', async () => {
  const auth = await createTestAuth({
    section: { allow_signup: false },
    operatorToken: 'the-operator',
  });
  for (const [path, token, status] of [
    ['/signup', 'the-operator', 201],
    ['/signup', 'somebody-else', 403],
    ['/sign-up/email', 'the-operator', 200],
    ['/sign-up/email', 'somebody-else', 403],
  ] as const) {
    const input = { email: `${path.length}-${token}@example.com`, password: PASSWORD, name: 'Ada' };
    expect([path, token, (await auth.post(path, input, bearer(token))).status]).toEqual([path, token, status]);
  }
});

test('a caller cannot disable, verify or name itself an id', async () => {
  const auth = await createTestAuth();
  const { status } = await auth.post('/sign-up/email', {
    email: 'ada@example.com',
    password: PASSWORD,
    name: 'Ada',
    emailVerified: true,
    disabledAt: '2020-01-01T00:00:00Z',
    id: '00000000-0000-7000-8000-000000000000',
  });
  const { rows } = await auth.database.query<{ id: string }>(
    'SELECT id, email_verified, disabled_at FROM reactor_auth.users',
  );
  // better-auth may refuse the request or ignore the fields; it must not take them.
  if (status === 200) expect(rows[0]).toMatchObject({ email_verified: false, disabled_at: null });
  else expect([status, rows]).toEqual([400, []]);
  expect(rows[0]?.id).not.toBe('00000000-0000-7000-8000-000000000000');
});

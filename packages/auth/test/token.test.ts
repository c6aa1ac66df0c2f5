import { decodeJwt } from 'jose';
import { expect, test } from 'vitest';
import { bearer, createTestAuth, moveTime, PASSWORD, sampleOf, signUp, type TestAuth } from './fixture.js';

const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };

test.each<[string, (auth: TestAuth, token: string) => ReturnType<TestAuth['post']>]>([
  ['grant_type in the query', (a, refresh_token) => a.post('/token?grant_type=refresh_token', { refresh_token })],
  ['grant_type in the body', (a, refresh_token) => a.post('/token', { grant_type: 'refresh_token', refresh_token })],
  ['no grant_type', (a, refresh_token) => a.post('/token', { refresh_token })],
  ['a form', (a, token) => a.post('/token', `grant_type=refresh_token&client_id=cli&refresh_token=${token}`, FORM)],
  ['a form without grant_type', (a, token) => a.post('/token', `refresh_token=${token}`, FORM)],
])('refreshes with %s', async (_, refresh) => {
  const auth = await createTestAuth();
  const { user, refresh_token } = await signUp(auth);
  const { status, body } = await refresh(auth, refresh_token);
  expect(status).toBe(200);
  expect(body).toMatchObject({ refresh_token, token_type: 'Bearer', expires_in: 3600, user: { id: user.id } });
  expect(decodeJwt(body.access_token).sub).toBe(user.id);
  expect(await sampleOf(auth, 'reactor_auth_token_refreshes_total', { result: 'ok' })).toBe(1);
  expect(await sampleOf(auth, 'reactor_auth_tokens_issued_total', { grant: 'refresh_token' })).toBe(1);
});

test.each<[string, string, unknown, Record<string, string>]>([
  ['query', '/token?grant_type=password', { email: 'ada@example.com', password: PASSWORD }, {}],
  ['body', '/token', { grant_type: 'password', email: 'ada@example.com', password: PASSWORD }, {}],
  ['nothing', '/token', { email: 'ada@example.com', password: PASSWORD }, {}],
  ['form', '/token', `email=ada%40example.com&password=${encodeURIComponent(PASSWORD)}`, FORM],
])('signs in with the password grant named by %s', async (_, path, body, headers) => {
  const auth = await createTestAuth();
  await signUp(auth);
  const answer = await auth.post(path, body, headers);
  expect(answer.status).toBe(200);
  expect(answer.body.user.email).toBe('ada@example.com');
});

test.each([
  [{ grant_type: 'authorization_code', code: 'x' }, 'authorization_code'],
  [{}, 'refresh_token'],
  [{ grant_type: 'refresh_token' }, 'refresh_token'],
  [{ grant_type: 'password', email: 'ada@example.com' }, 'password'],
])('refuses %j, naming what is missing', async (input, named) => {
  const auth = await createTestAuth();
  const { status, body } = await auth.post('/token', input);
  expect([status, body.error.code]).toEqual([400, 'invalid_request']);
  expect(body.error.message).toContain(named);
});

test.each([
  ['too short', 'x'],
  ['of the right form', 'kPpLMdsbllpTY62UIzcCVVMmoTUCzCV2'],
  ['very long', 'a'.repeat(5_000)],
  ['that no header could carry', 'line\nbreak-line-break'],
  ['that no header could carry either', 'ünïcödé-ünïcödé-€€€€'],
  ['with an encoded NUL', '%00%00%00%00%00%00%00'],
])('does not know a refresh token %s', async (_, refresh_token) => {
  const auth = await createTestAuth();
  const { status, body } = await auth.post('/token', { refresh_token });
  expect([status, body.error.code]).toEqual([401, 'invalid_refresh_token']);
  expect(
    await sampleOf(auth, 'reactor_auth_token_refreshes_total', { result: 'rejected', reason: 'invalid_refresh_token' }),
  ).toBe(1);
});

test('a session that was ended cannot be refreshed, and logout may be repeated', async () => {
  const auth = await createTestAuth();
  const { access_token, refresh_token } = await signUp(auth);
  const other = await auth.post('/login', { email: 'ada@example.com', password: PASSWORD });
  expect((await auth.post('/logout', undefined, bearer(access_token))).status).toBe(204);
  expect((await auth.post('/logout', undefined, bearer(access_token))).status).toBe(204);
  const refresh = await auth.post('/token', { refresh_token });
  expect([refresh.status, refresh.body.error.code]).toEqual([401, 'invalid_refresh_token']);
  // Only that session is over.
  expect((await auth.post('/token', { refresh_token: other.body.refresh_token })).status).toBe(200);
});

test('logout takes the refresh token for proof, whatever bearer comes along', async () => {
  const auth = await createTestAuth();
  const { refresh_token } = await signUp(auth);
  expect((await auth.post('/logout', { refresh_token }, bearer('project-key'))).status).toBe(204);
  expect((await auth.post('/token', { refresh_token })).status).toBe(401);
  expect((await auth.post('/logout', { refresh_token: '\n' })).status).toBe(204);
});

test('logout takes the session token as bearer', async () => {
  const auth = await createTestAuth();
  const { refresh_token } = await signUp(auth);
  expect((await auth.post('/logout', undefined, bearer(refresh_token))).status).toBe(204);
  expect((await auth.post('/token', { refresh_token })).status).toBe(401);
});

test('logout without anything to go by is refused', async () => {
  const auth = await createTestAuth();
  const { status, body, headers } = await auth.post('/logout');
  expect([status, body.error.code]).toEqual([401, 'unauthorized']);
  expect(headers.get('WWW-Authenticate')).toBe('Bearer');
});

test('a session ends refresh_ttl_secs after its last extension, and refreshing extends it', async () => {
  const auth = await createTestAuth({ section: { refresh_ttl_secs: 3_600 } });
  const { refresh_token } = await signUp(auth);
  moveTime(2_400);
  expect((await auth.post('/token', { refresh_token })).status).toBe(200);
  moveTime(2_400);
  expect((await auth.post('/token', { refresh_token })).status).toBe(200);
  expect(await sampleOf(auth, 'reactor_auth_active_sessions')).toBe(1);
  moveTime(3_601);
  expect(await sampleOf(auth, 'reactor_auth_active_sessions')).toBe(0);
  const { status, body } = await auth.post('/token', { refresh_token });
  expect([status, body.error.code]).toEqual([401, 'invalid_refresh_token']);
});

test('no token is issued for a user disabled behind the back of the trigger', async () => {
  const auth = await createTestAuth();
  const { refresh_token } = await signUp(auth);
  await auth.database.query('ALTER TABLE reactor_auth.users DISABLE TRIGGER USER');
  await auth.database.query('UPDATE reactor_auth.users SET disabled_at = now()');
  for (const answer of [
    await auth.post('/token', { refresh_token }),
    await auth.get('/token', bearer(refresh_token)),
    await auth.get('/user', bearer(refresh_token)),
  ]) {
    expect([answer.status, answer.body.error.code]).toEqual([403, 'user_disabled']);
  }
  expect(
    await sampleOf(auth, 'reactor_auth_token_refreshes_total', { result: 'rejected', reason: 'user_disabled' }),
  ).toBe(1);
});

import { expect, test } from 'vitest';
import { createTestAuth, PASSWORD, sampleOf, signUp } from './fixture.js';

test('signs in with the right password, whatever the spelling of the address', async () => {
  const auth = await createTestAuth();
  const { user } = await signUp(auth);
  const { status, body } = await auth.post('/login', { email: 'ADA@example.com', password: PASSWORD });
  expect(status).toBe(200);
  expect(body.user.id).toBe(user.id);
  expect(body.session.refresh_token).toBe(body.refresh_token);
  expect(await sampleOf(auth, 'reactor_auth_sign_ins_total', { result: 'ok' })).toBe(1);
  expect(await sampleOf(auth, 'reactor_auth_tokens_issued_total', { grant: 'password' })).toBe(1);
});

test.each([
  ['a wrong password', 'ada@example.com', 'wrong password'],
  ['an unknown address', 'bob@example.com', PASSWORD],
  ['a password past the limit', 'ada@example.com', 'x'.repeat(200)],
])('refuses %s and says no more', async (_, email, password) => {
  const auth = await createTestAuth();
  await signUp(auth);
  const { status, body } = await auth.post('/login', { email, password });
  expect([status, body.error.code]).toEqual([401, 'invalid_credentials']);
  expect(body.error.message).toBe('Invalid email or password');
  expect(
    await sampleOf(auth, 'reactor_auth_sign_ins_total', { result: 'rejected', reason: 'invalid_credentials' }),
  ).toBe(1);
});

test('an unknown address takes as long as a wrong password', async () => {
  const auth = await createTestAuth();
  await signUp(auth);
  const timed = async (email: string) => {
    const from = performance.now();
    await auth.post('/login', { email, password: 'wrong password' });
    return performance.now() - from;
  };
  const known: number[] = [];
  const unknown: number[] = [];
  for (let i = 0; i < 8; i++) {
    known.push(await timed('ada@example.com'));
    unknown.push(await timed(`nobody${i}@example.com`));
  }
  // A hash is 50 to 100 ms, everything else about 3: without it the ratio would be below a tenth.
  expect(median(unknown)).toBeGreaterThan(median(known) / 2);
});

test('a disabled account is told so after the right password only, and its sessions are over', async () => {
  const auth = await createTestAuth();
  const { user, refresh_token } = await signUp(auth);
  await auth.database.query('UPDATE reactor_auth.users SET disabled_at = now() WHERE id = $1', [user.id]);
  const right = await auth.post('/login', { email: user.email, password: PASSWORD });
  expect([right.status, right.body.error.code]).toEqual([403, 'user_disabled']);
  const native = await auth.post('/sign-in/email', { email: user.email, password: PASSWORD });
  expect([native.status, native.body.error.code]).toEqual([403, 'user_disabled']);
  const wrong = await auth.post('/login', { email: user.email, password: 'wrong password' });
  expect([wrong.status, wrong.body.error.code]).toEqual([401, 'invalid_credentials']);
  const refresh = await auth.post('/token', { refresh_token });
  expect([refresh.status, refresh.body.error.code]).toEqual([401, 'invalid_refresh_token']);
  const { rows } = await auth.database.query('SELECT id FROM reactor_auth.sessions');
  expect(rows).toEqual([]);
  expect(await sampleOf(auth, 'reactor_auth_sign_ins_total', { result: 'rejected', reason: 'user_disabled' })).toBe(2);
});

test('remembers where a session began', async () => {
  const auth = await createTestAuth({ address: '203.0.113.7' });
  await auth.post('/signup', { email: 'ada@example.com', password: PASSWORD }, { 'User-Agent': 'curl/8' });
  const { rows } = await auth.database.query('SELECT ip_address, user_agent FROM reactor_auth.sessions');
  expect(rows).toEqual([{ ip_address: '203.0.113.7', user_agent: 'curl/8' }]);
});

test('a caller cannot choose the address that is remembered', async () => {
  const auth = await createTestAuth({ address: '203.0.113.7' });
  await signUp(auth);
  await auth.post(
    '/sign-in/email',
    { email: 'ada@example.com', password: PASSWORD },
    { 'X-Reactor-Client-Address': '198.51.100.1', 'X-Forwarded-For': '198.51.100.2' },
  );
  const { rows } = await auth.database.query('SELECT DISTINCT ip_address FROM reactor_auth.sessions');
  expect(rows).toEqual([{ ip_address: '203.0.113.7' }]);
});

test('a sign-in that is no sign-in counts as rejected', async () => {
  const auth = await createTestAuth();
  const { status, body } = await auth.post('/sign-in/email', { email: 'nobody', password: PASSWORD });
  expect([status, body.error.code]).toEqual([400, 'invalid_request']);
  expect(await sampleOf(auth, 'reactor_auth_sign_ins_total', { result: 'rejected', reason: 'other' })).toBe(1);
});

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

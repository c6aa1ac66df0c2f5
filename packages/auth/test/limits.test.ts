import { expect, test } from 'vitest';
import { createTestAuth, moveTime, PASSWORD, sampleOf, signUp } from './fixture.js';

/** Past the limit of passwords: refused as any wrong one, and without the cost of a hash. */
const WRONG_PASSWORD = 'x'.repeat(200);
const WRONG = { email: 'ada@example.com', password: WRONG_PASSWORD };

test('ten wrong passwords in five minutes close an account, by whatever route and from wherever', async () => {
  let address = 0;
  const auth = await createTestAuth({ address: () => `198.51.100.${++address % 250}` });
  await signUp(auth);
  for (let i = 0; i < 10; i++) {
    const { status } = await auth.post(['/login', '/token', '/sign-in/email'][i % 3] ?? '', WRONG);
    expect(status).toBe(401);
  }
  for (const path of ['/login', '/token', '/sign-in/email']) {
    const { status, body, headers } = await auth.post(path, { email: 'Ada@Example.com', password: PASSWORD });
    expect([path, status, body.error.code]).toEqual([path, 429, 'too_many_requests']);
    expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0);
    expect(Number(headers.get('Retry-After'))).toBeLessThanOrEqual(300);
  }
  expect(await sampleOf(auth, 'reactor_auth_sign_ins_total', { result: 'rejected', reason: 'too_many_requests' })).toBe(
    3,
  );
  // Others get in, and after the window so does she.
  await signUp(auth, 'bob@example.com');
  expect((await auth.post('/login', { email: 'bob@example.com', password: PASSWORD })).status).toBe(200);
  moveTime(301);
  expect((await auth.post('/login', { email: 'ada@example.com', password: PASSWORD })).status).toBe(200);
});

test('a right password starts the count over', async () => {
  const auth = await createTestAuth();
  await signUp(auth);
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 9; i++) expect((await auth.post('/login', WRONG)).status).toBe(401);
    expect((await auth.post('/login', { email: 'ada@example.com', password: PASSWORD })).status).toBe(200);
  }
});

test('attempts made at once do not slip through together', async () => {
  const auth = await createTestAuth();
  await signUp(auth);
  const answers = await Promise.all(Array.from({ length: 30 }, () => auth.post('/login', WRONG)));
  expect(answers.filter(({ status }) => status === 401)).toHaveLength(10);
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(20);
});

test('sixty attempts a minute from one address, whichever the accounts; another address is free', async () => {
  let address = '2001:db8:1:2::1';
  const auth = await createTestAuth({ address: () => address });
  const attempt = (i: number) => auth.post('/login', { email: `nobody${i}@example.com`, password: WRONG_PASSWORD });
  // Malformed addresses are refused before they are counted: no password is tried.
  expect((await auth.post('/login', { email: 'nobody', password: 'x' })).status).toBe(400);
  for (let i = 0; i < 60; i++) expect((await attempt(i)).status).toBe(401);
  // The same subscriber with another address of the /64.
  address = '2001:db8:1:2:ffff::9';
  const { status, headers } = await attempt(60);
  expect([status, Number(headers.get('Retry-After')) <= 60]).toEqual([429, true]);
  address = '2001:db8:1:3::1';
  expect((await attempt(61)).status).toBe(401);
});

test('sign-ups from one address are limited too', async () => {
  const auth = await createTestAuth({ address: '203.0.113.7' });
  const attempt = (i: number) => auth.post('/signup', { email: `user${i}@example.com`, password: 'short' });
  for (let i = 0; i < 60; i++) expect((await attempt(i)).status).toBe(400);
  for (const path of ['/signup', '/sign-up/email']) {
    const { status } = await auth.post(path, { email: 'ada@example.com', password: PASSWORD, name: 'Ada' });
    expect([path, status]).toEqual([path, 429]);
  }
  expect(await sampleOf(auth, 'reactor_auth_sign_ups_total', { result: 'rejected', reason: 'too_many_requests' })).toBe(
    2,
  );
});

test('so are attempts at the current password when changing it', async () => {
  const auth = await createTestAuth({ address: '203.0.113.7' });
  const { refresh_token } = await signUp(auth);
  const headers = { Authorization: `Bearer ${refresh_token}` };
  const change = (newPassword: string) =>
    auth.post('/change-password', { currentPassword: PASSWORD, newPassword }, headers);
  for (let i = 0; i < 60; i++) expect((await change('short')).status).toBe(400);
  expect((await change('another password')).status).toBe(429);
  expect(
    await sampleOf(auth, 'reactor_auth_password_changes_total', { result: 'rejected', reason: 'too_many_requests' }),
  ).toBe(1);
});

test('where the app does not tell addresses, only accounts are limited', async () => {
  const auth = await createTestAuth();
  for (let i = 0; i < 65; i++) {
    expect((await auth.post('/signup', { email: `user${i}@example.com`, password: 'short' })).status).toBe(400);
  }
});

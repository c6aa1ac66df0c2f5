import type { Logger } from '@reactor/core';
import { everyMetricMoves, parseExposition } from '@reactor/testing';
import { Registry } from 'prom-client';
import { expect, onTestFinished, test, vi } from 'vitest';
import {
  bearer,
  createAuthDatabase,
  createTestAuth,
  moveTime,
  PASSWORD,
  sampleOf,
  signUp,
  type TestAuth,
} from './fixture.js';

test('every family moves', async () => {
  const auth = await createTestAuth();
  const { access_token, refresh_token } = await signUp(auth);
  await everyMetricMoves(auth.auth.metrics, {
    reactor_auth_sign_ins_total: () => auth.post('/login', { email: 'ada@example.com', password: PASSWORD }),
    reactor_auth_sign_ups_total: () => signUp(auth, 'bob@example.com'),
    reactor_auth_password_changes_total: () =>
      auth.post(
        '/change-password',
        { currentPassword: PASSWORD, newPassword: 'another password' },
        bearer(refresh_token),
      ),
    reactor_auth_token_refreshes_total: () => auth.post('/token', { refresh_token }),
    reactor_auth_tokens_issued_total: () => auth.post('/token', { refresh_token }),
    reactor_auth_token_verifications_total: () => auth.auth.tokens.verify(access_token),
    reactor_auth_sweeps_total: () => sweep(auth),
    reactor_auth_active_sessions: () => auth.post('/logout', { refresh_token }),
    reactor_auth_jwks_age_seconds: () => moveTime(5),
  });
});

test('every result is there from the start, at 0', async () => {
  const auth = await createTestAuth();
  const registry = new Registry();
  auth.auth.metrics.register(registry);
  const { families } = parseExposition(await registry.metrics());
  const samples = families.get('reactor_auth_sign_ins_total')?.samples;
  expect(samples?.map(({ labels, value }) => [labels.result, labels.reason, value])).toEqual([
    ['ok', 'none', 0],
    ['failed', 'none', 0],
    ['rejected', 'invalid_credentials', 0],
    ['rejected', 'user_disabled', 0],
    ['rejected', 'too_many_requests', 0],
    ['rejected', 'other', 0],
  ]);
});

test('a sweep removes what has expired and nothing else, and a failing one is counted', async () => {
  const { database } = await createAuthDatabase();
  const auth = await createTestAuth({ database });
  await signUp(auth);
  const { refresh_token } = await signUp(auth, 'bob@example.com');
  await database.query(
    `UPDATE reactor_auth.sessions SET expires_at = now() - interval '1 second'
      WHERE user_id = (SELECT id FROM reactor_auth.users WHERE email = 'ada@example.com')`,
  );
  await database.query(
    `INSERT INTO reactor_auth.verifications (id, identifier, value, expires_at)
     VALUES (gen_random_uuid(), 'old', 'x', now() - interval '1 second'), (gen_random_uuid(), 'new', 'x', now() + interval '1 hour')`,
  );
  await sweep(auth);
  const { rows } = await database.query(
    'SELECT (SELECT count(*)::int FROM reactor_auth.sessions) AS sessions, identifier FROM reactor_auth.verifications',
  );
  expect(rows).toEqual([{ sessions: 1, identifier: 'new' }]);
  expect((await auth.post('/token', { refresh_token })).status).toBe(200);
  await database.query('ALTER TABLE reactor_auth.verifications RENAME TO others');
  await sweep(auth, 'failed');
});

test('the capability sweeps by itself until it is stopped', async () => {
  const { database } = await createAuthDatabase();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
  onTestFinished(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });
  const auth = await createTestAuth({ database });
  const swept = () => sampleOf(auth, 'reactor_auth_sweeps_total', { result: 'ok' });
  for (const [pass, afterMs] of [60_000, 3_600_000].entries()) {
    vi.advanceTimersByTime(afterMs - 1);
    expect(await swept()).toBe(pass);
    vi.advanceTimersByTime(1);
    await vi.waitFor(async () => expect(await swept()).toBe(pass + 1));
  }
  await auth.auth.stop(AbortSignal.timeout(1_000));
  vi.advanceTimersByTime(10_800_000);
  expect(await swept()).toBe(2);
});

test('no password, token or secret gets into the log', async () => {
  const lines: string[] = [];
  const logger = recordTo(lines);
  const { database, drop } = await createAuthDatabase();
  const auth = await createTestAuth({ database, logger });
  const { access_token, refresh_token } = await signUp(auth);
  await auth.post('/login', { email: 'ada@example.com', password: 'a wrong password' });
  await auth.post('/signup', { email: 'ada@example.com', password: PASSWORD });
  await auth.post('/sign-in/email', { email: 'eve@example.com', password: PASSWORD });
  await auth.get('/get-session', bearer(refresh_token));
  await auth.get('/get-session', {
    Cookie: `reactor.session_token=${refresh_token}.x`,
    Origin: 'https://evil.example',
  });
  await auth.get('/user', bearer(`${access_token}x`));
  await auth.post(
    '/sign-out',
    {},
    { Cookie: `reactor.session_token=${refresh_token}.x`, Origin: 'https://evil.example' },
  );
  await drop();
  await auth.post('/sign-up/email', { email: 'bob@example.com', password: PASSWORD, name: 'Bob' });
  await auth.get('/list-sessions', bearer(refresh_token));
  // better-auth does speak, or this would show nothing.
  expect(lines.length).toBeGreaterThan(2);
  const log = lines.join('\n');
  for (const secret of [PASSWORD, 'a wrong password', access_token, refresh_token, auth.config.secret]) {
    expect(log).not.toContain(secret);
  }
});

/** Starts the loop anew with no time between its passes, and waits until one more has ended so. */
async function sweep(auth: TestAuth, result: 'ok' | 'failed' = 'ok'): Promise<void> {
  const passes = () => sampleOf(auth, 'reactor_auth_sweeps_total', { result });
  const before = await passes();
  // The pause is its hour times half and the random part.
  const random = vi.spyOn(Math, 'random').mockReturnValue(-0.5);
  await auth.auth.stop(AbortSignal.timeout(1_000));
  await auth.auth.start();
  await vi.waitFor(async () => expect(await passes()).toBeGreaterThan(before));
  random.mockRestore();
  await auth.auth.stop(AbortSignal.timeout(1_000));
}

/** Writes lines as a real one would: everything enumerable of the fields, errors with stack and cause. */
function recordTo(lines: string[]): Logger {
  const write = (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
    const flat = Object.entries(fields).map(([key, value]) => [key, value instanceof Error ? describe(value) : value]);
    lines.push(JSON.stringify({ message, ...Object.fromEntries(flat) }));
  };
  const logger: Logger = {
    trace: write,
    debug: write,
    info: write,
    warn: write,
    error: write,
    isEnabled: () => true,
    with: () => logger,
    target: () => logger,
  };
  return logger;
}

function describe(error: Error): unknown {
  const { message, stack, cause, ...own } = error;
  return { message, stack, ...own, cause: cause instanceof Error ? describe(cause) : cause };
}

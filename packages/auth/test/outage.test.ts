import { type ProbeResult, silentLogger } from '@reactor/core';
import { expect, test } from 'vitest';
import { createAuth, parseAuthConfig } from '../src/index.js';
import {
  bearer,
  createAuthDatabase,
  createTestAuth,
  dateClock,
  moveTime,
  PASSWORD,
  SECRET,
  sampleOf,
  signUp,
} from './fixture.js';

const DOWN = { status: 503, code: 'database_unavailable' };

async function probe(auth: { probes: ReturnType<typeof createAuth>['probes'] }, name: string): Promise<ProbeResult> {
  const found = auth.probes.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no probe ${name}`);
  return found.run(AbortSignal.timeout(found.timeoutMs));
}

test('while the database is away every route says so, and no session looks ended', async () => {
  const { database, drop } = await createAuthDatabase();
  const auth = await createTestAuth({ database });
  const { access_token, refresh_token } = await signUp(auth);
  await drop();
  const credentials = { email: 'ada@example.com', password: PASSWORD };
  const answers = await Promise.all([
    auth.post('/signup', { email: 'bob@example.com', password: PASSWORD }),
    auth.post('/sign-up/email', { email: 'eve@example.com', password: PASSWORD, name: 'Eve' }),
    auth.post('/login', credentials),
    auth.post('/sign-in/email', credentials),
    auth.post('/token', { refresh_token }),
    auth.get('/token', bearer(refresh_token)),
    auth.get('/get-session', bearer(refresh_token)),
    auth.get('/list-sessions', bearer(refresh_token)),
    auth.post('/organization/create', { name: 'A', slug: 'a' }, bearer(refresh_token)),
    auth.get('/user', bearer(access_token)),
    auth.get('/user', bearer(refresh_token)),
    auth.post('/logout', { refresh_token }),
  ]);
  expect(answers.map(({ status, body }) => ({ status, code: body.error?.code }))).toEqual(answers.map(() => DOWN));
  expect(await sampleOf(auth, 'reactor_auth_sign_ins_total', { result: 'failed' })).toBe(2);
  expect(await sampleOf(auth, 'reactor_auth_sign_ups_total', { result: 'failed' })).toBe(2);
  expect(await sampleOf(auth, 'reactor_auth_token_refreshes_total', { result: 'failed' })).toBe(1);
  // What needs no database goes on.
  await expect(auth.auth.tokens.verify(access_token)).resolves.toMatchObject({ kind: 'user' });
  expect((await auth.get('/keys')).body.keys).toHaveLength(1);
  await expect(sampleOf(auth, 'reactor_auth_active_sessions')).rejects.toMatchObject({ code: DOWN.code });
});

test.each([
  ['53100', 'a full disk', DOWN, '1'],
  ['58030', 'an I/O error', DOWN, '1'],
  ['40P01', 'a deadlock', { status: 503, code: 'write_conflict' }, '1'],
  ['55P03', 'a lock not to be had', { status: 504, code: 'lock_timeout' }, '1'],
  ['57014', 'a statement timeout', { status: 504, code: 'statement_timeout' }, null],
])('SQLSTATE %s, %s, is told as what it is, and whether to come back', async (sqlstate, _, told, retryAfter) => {
  const auth = await createTestAuth();
  await auth.database.query(
    `CREATE FUNCTION reactor_auth.fail() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'somewhere in /srv/pgdata' USING ERRCODE = '${sqlstate}'; END $$;
     CREATE TRIGGER fail BEFORE INSERT ON reactor_auth.users FOR EACH ROW EXECUTE FUNCTION reactor_auth.fail()`,
  );
  for (const path of ['/signup', '/sign-up/email']) {
    const { status, body, headers } = await auth.post(path, { email: 'a@example.com', password: PASSWORD, name: 'A' });
    expect([path, { status, code: body.error.code }]).toEqual([path, told]);
    expect(headers.get('Retry-After')).toBe(retryAfter);
    expect(JSON.stringify(body)).not.toContain('pgdata');
  }
});

test('a token cannot be judged while neither memory nor database knows its key', async () => {
  const { database, drop } = await createAuthDatabase();
  const { access_token } = await signUp(await createTestAuth({ database }));
  const auth = await createTestAuth({ database, start: false });
  await drop();
  await expect(auth.auth.tokens.verify(access_token)).rejects.toMatchObject(DOWN);
  expect(await sampleOf(auth, 'reactor_auth_token_verifications_total', { result: 'failed' })).toBe(1);
});

test('health and db_ping fail with the database, in words that are public', async () => {
  const { database, drop } = await createAuthDatabase();
  const auth = await createTestAuth({ database });
  expect(await auth.auth.health.check(AbortSignal.timeout(500))).toEqual({ status: 'ok' });
  expect((await auth.get('/health')).body).toEqual({ status: 'ok', version: auth.auth.version });
  expect(await probe(auth.auth, 'db_ping')).toEqual({ status: 'ok', message: expect.stringMatching(/^PostgreSQL \d/) });
  await drop();
  const failed = { status: 'error', reason: 'the database does not answer' };
  expect(await auth.auth.health.check(AbortSignal.timeout(500))).toEqual(failed);
  // The route shares an answer for a second.
  moveTime(1);
  const { status, body } = await auth.get('/health');
  expect([status, body]).toEqual([503, { ...failed, version: auth.auth.version }]);
  expect(await probe(auth.auth, 'db_ping')).toMatchObject({ status: 'fail', code: 'database_unavailable' });
});

test('the signing_keys probe tells a missing schema, no key, a good key and a wrong secret apart', async () => {
  const { database } = await createAuthDatabase();
  const auth = await createTestAuth({ database, start: false });
  expect(await probe(auth.auth, 'signing_keys')).toMatchObject({ status: 'warn', code: 'no_signing_key' });
  await auth.auth.start();
  expect(await probe(auth.auth, 'signing_keys')).toEqual({ status: 'ok', message: '1 signing key usable' });
  const wrong = createAuth(parseAuthConfig({ secret: 'another secret, just as long as needed' }), {
    database,
    clock: dateClock,
    logger: silentLogger,
  });
  expect(await probe(wrong, 'signing_keys')).toMatchObject({ status: 'fail', code: 'signing_keys_unusable' });
  await database.query('DROP SCHEMA reactor_auth CASCADE');
  expect(await probe(auth.auth, 'signing_keys')).toMatchObject({ status: 'fail', code: 'not_migrated' });
});

test.each([
  [{}, { status: 'ok' }],
  [{ public_url: 'https://app.example.com' }, { status: 'ok' }],
  [{ public_url: 'http://localhost:8000' }, { status: 'ok' }],
  [{ public_url: 'http://127.0.0.1:8000' }, { status: 'ok' }],
  [{ public_url: 'http://app.example.com' }, { status: 'warn', code: 'unencrypted_public_url' }],
  [{ public_url: 'http://127.0.0.1.example.com' }, { status: 'warn', code: 'unencrypted_public_url' }],
  [{ secret: 'abcabcabcabcabcabcabcabcabcabcabcabc' }, { status: 'warn', code: 'weak_secret' }],
])('the configuration probe judges %j', async (section, expected) => {
  const { database } = await createAuthDatabase();
  const auth = createAuth(parseAuthConfig({ secret: SECRET, ...section }), {
    database,
    clock: dateClock,
    logger: silentLogger,
  });
  expect(await probe(auth, 'configuration')).toMatchObject(expected);
});

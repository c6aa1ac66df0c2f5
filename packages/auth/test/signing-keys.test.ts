import { symmetricEncrypt } from 'better-auth/crypto';
import { decodeProtectedHeader } from 'jose';
import { expect, onTestFinished, test, vi } from 'vitest';
import { AuthKeysUnusableError } from '../src/index.js';
import { createAuthDatabase, createTestAuth, moveTime, PASSWORD, SECRET, sampleOf, signUp } from './fixture.js';

const OTHER_SECRET = 'another secret, just as long as needed';

test('a restart with the same secret keeps every token valid', async () => {
  const { database } = await createAuthDatabase();
  const before = await createTestAuth({ database });
  const { access_token, refresh_token, user } = await signUp(before);
  await before.auth.stop(AbortSignal.timeout(1_000));
  const after = await createTestAuth({ database });
  await expect(after.auth.tokens.verify(access_token)).resolves.toMatchObject({ id: user.id });
  expect((await after.post('/token', { refresh_token })).status).toBe(200);
  expect((await after.get('/keys')).body.keys).toHaveLength(1);
});

test('a start with another secret fails and says which key it cannot open, and not what the secret is', async () => {
  const { database } = await createAuthDatabase();
  const { body } = await (await createTestAuth({ database })).get('/keys');
  const start = createTestAuth({ database, section: { secret: OTHER_SECRET } });
  await expect(start).rejects.toBeInstanceOf(AuthKeysUnusableError);
  await expect(start).rejects.toThrow(body.keys[0].kid);
  await expect(start).rejects.not.toThrow(OTHER_SECRET);
});

test('a key that cannot be read for another reason is not blamed on the secret, and its text stays out of the error', async () => {
  const { database } = await createAuthDatabase();
  const { auth } = await createTestAuth({ database });
  const store = (text: string) => database.query('UPDATE reactor_auth.signing_keys SET private_key = $1', [text]);
  const key = { keys: new Map([[1, SECRET]]), currentVersion: 1 };
  const damaged: [stored: string, says: RegExp][] = [
    ['-----BEGIN PRIVATE KEY-----', /is damaged: its row holds no encrypted key$/],
    ['{"d":"private"}', /is damaged: its row holds no encrypted key$/],
    [JSON.stringify('$ba$2$00ff'), /cannot be decrypted: Secret version 2 not found/],
    [JSON.stringify('$ba$1$not hex'), /cannot be decrypted: /],
    [JSON.stringify(await symmetricEncrypt({ key, data: 'private' })), /is damaged: what it decrypts to is not a key$/],
  ];
  for (const [stored, says] of damaged) {
    await store(stored);
    const error: unknown = await auth.start().catch((reason: unknown) => reason);
    expect(error, stored).toBeInstanceOf(AuthKeysUnusableError);
    expect((error as Error).message).toMatch(says);
    expect((error as Error).message).not.toMatch(/auth\.secret|private|PRIVATE/);
    const probe = auth.probes.find(({ name }) => name === 'signing_keys');
    expect(await probe?.run(AbortSignal.timeout(2_000))).toMatchObject({
      status: 'fail',
      code: 'signing_keys_unusable',
      remedy: 'Restore the row of reactor_auth.signing_keys from a backup.',
    });
  }
});

test('the private key is not in the database in the clear', async () => {
  const { database } = await createTestAuth();
  const { rows } = await database.query<{ private_key: string }>('SELECT private_key FROM reactor_auth.signing_keys');
  expect(rows).toHaveLength(1);
  expect(rows[0]?.private_key).not.toContain('"d"');
  expect(rows[0]?.private_key).toMatch(/^"\$ba\$1\$[0-9a-f]+"$/);
});

test('secrets in the environment are not taken', async () => {
  vi.stubEnv('BETTER_AUTH_SECRETS', `7:${OTHER_SECRET}`);
  vi.stubEnv('BETTER_AUTH_SECRET', OTHER_SECRET);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  const { database } = await createAuthDatabase();
  const { access_token } = await signUp(await createTestAuth({ database }));
  vi.unstubAllEnvs();
  const after = await createTestAuth({ database });
  await expect(after.auth.tokens.verify(access_token)).resolves.toMatchObject({ kind: 'user' });
});

test('servers that start at once share one key, and verify each other', async () => {
  const { database } = await createAuthDatabase();
  const servers = await Promise.all(Array.from({ length: 5 }, () => createTestAuth({ database })));
  const [first, second] = servers;
  if (first === undefined || second === undefined) throw new Error('there are five');
  for (const server of servers) expect((await server.get('/keys')).body.keys).toHaveLength(1);
  const { access_token, refresh_token } = await signUp(first);
  await expect(second.auth.tokens.verify(access_token)).resolves.toMatchObject({ kind: 'user' });
  expect((await second.post('/logout', { refresh_token })).status).toBe(204);
  expect((await first.post('/token', { refresh_token })).status).toBe(401);
  const taken = await second.post('/signup', { email: 'ada@example.com', password: PASSWORD });
  expect(taken.body.error.code).toBe('email_exists');
});

test('a retired key gives way to a new one and verifies until its last token is over', async () => {
  const { database } = await createAuthDatabase();
  const [signing, verifying] = [await createTestAuth({ database }), await createTestAuth({ database })];
  const old = await signUp(signing);
  await database.query('UPDATE reactor_auth.signing_keys SET expires_at = now()');
  moveTime(61);
  const fresh = (await signing.post('/token', { refresh_token: old.refresh_token })).body.access_token;
  expect(decodeProtectedHeader(fresh).kid).not.toBe(decodeProtectedHeader(old.access_token).kid);
  // The other server has never seen the new key.
  await expect(verifying.auth.tokens.verify(fresh)).resolves.toMatchObject({ kind: 'user' });
  await expect(verifying.auth.tokens.verify(old.access_token)).resolves.toMatchObject({ kind: 'user' });
  expect((await signing.get('/keys')).body.keys).toHaveLength(2);
  expect(await sampleOf(signing, 'reactor_auth_jwks_age_seconds')).toBeLessThan(60);
  moveTime(3_600);
  expect((await signing.get('/keys')).body.keys).toHaveLength(1);
});

test('a deleted key verifies nothing after a minute', async () => {
  const auth = await createTestAuth();
  const { access_token } = await signUp(auth);
  // Now remembered as good.
  await auth.auth.tokens.verify(access_token);
  await auth.database.query('DELETE FROM reactor_auth.signing_keys');
  moveTime(61);
  await expect(auth.auth.tokens.verify(access_token)).rejects.toMatchObject({ code: 'invalid_token' });
});

test('the age of the signing key is read from the database, and absent while there is none', async () => {
  const auth = await createTestAuth();
  await auth.database.query("UPDATE reactor_auth.signing_keys SET created_at = now() - interval '1 hour'");
  const age = await sampleOf(auth, 'reactor_auth_jwks_age_seconds');
  expect(age).toBeGreaterThan(3_590);
  expect(age).toBeLessThan(3_700);
  await auth.database.query('DELETE FROM reactor_auth.signing_keys');
  await expect(sampleOf(auth, 'reactor_auth_jwks_age_seconds')).rejects.toThrow('0 series');
});

test('a capability that was never started makes its key with the first token', async () => {
  const auth = await createTestAuth({ start: false });
  const { access_token } = await signUp(auth);
  await expect(auth.auth.tokens.verify(access_token)).resolves.toMatchObject({ kind: 'user' });
});

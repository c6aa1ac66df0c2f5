import { createLocalJWKSet, decodeProtectedHeader, errors, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { bearer, createTestAuth, moveTime, sampleOf, signUp } from './fixture.js';

test('an access token verifies with a foreign library against GET /keys', async () => {
  const auth = await createTestAuth();
  const { user, access_token } = await signUp(auth);
  const { status, body, headers } = await auth.get('/keys');
  expect(status).toBe(200);
  expect(headers.get('Cache-Control')).toBe('public, max-age=300');
  expect(body.keys).toEqual([
    {
      kty: 'EC',
      crv: 'P-256',
      x: expect.any(String),
      y: expect.any(String),
      use: 'sig',
      alg: 'ES256',
      kid: expect.any(String),
    },
  ]);
  const { payload } = await jwtVerify(access_token, createLocalJWKSet(body), {
    issuer: 'reactor-auth',
    audience: 'reactor',
    algorithms: ['ES256'],
  });
  expect(payload).toEqual({
    sub: user.id,
    email: 'ada@example.com',
    email_verified: false,
    session_id: expect.any(String),
    iss: 'reactor-auth',
    aud: 'reactor',
    iat: expect.any(Number),
    exp: (payload.iat ?? 0) + 3600,
  });
  expect((await auth.get('/jwks')).body.keys).toMatchObject([{ kid: body.keys[0].kid }]);
});

test('issuer, audience and life come from the configuration', async () => {
  const section = { jwt_issuer: 'acme', jwt_audience: 'acme-api', access_ttl_secs: 60 };
  const auth = await createTestAuth({ section });
  const { access_token } = await signUp(auth);
  const { payload } = await jwtVerify(access_token, createLocalJWKSet((await auth.get('/keys')).body));
  expect([payload.iss, payload.aud, (payload.exp ?? 0) - (payload.iat ?? 0)]).toEqual(['acme', 'acme-api', 60]);
  await expect(auth.auth.tokens.verify(access_token)).resolves.toMatchObject({ kind: 'user' });
});

test('the verifier tells who it is, without HTTP', async () => {
  const auth = await createTestAuth();
  const { user, access_token } = await signUp(auth);
  const principal = await auth.auth.tokens.verify(access_token);
  expect(principal).toEqual({
    kind: 'user',
    id: user.id,
    email: 'ada@example.com',
    claims: expect.objectContaining({ sub: user.id, session_id: expect.any(String) }),
  });
  expect(await sampleOf(auth, 'reactor_auth_token_verifications_total', { result: 'ok' })).toBe(1);
});

test('an access token expires', async () => {
  const auth = await createTestAuth();
  const { access_token } = await signUp(auth);
  moveTime(3_590);
  await auth.auth.tokens.verify(access_token);
  moveTime(11);
  await expect(auth.auth.tokens.verify(access_token)).rejects.toMatchObject({
    code: 'invalid_token',
    status: 401,
    message: 'The access token has expired.',
  });
  expect(
    await sampleOf(auth, 'reactor_auth_token_verifications_total', { result: 'rejected', reason: 'expired' }),
  ).toBe(1);
  const { status, body, headers } = await auth.get('/user', bearer(access_token));
  expect([status, body.error.code]).toEqual([401, 'invalid_token']);
  expect(headers.get('WWW-Authenticate')).toBe('Bearer error="invalid_token"');
});

test('a token that was found good a moment ago is refused once it is over, and another one with its signature at once', async () => {
  const auth = await createTestAuth({ section: { access_ttl_secs: 60 } });
  moveTime(-20);
  const { access_token } = await signUp(auth);
  moveTime(20);
  const { tokens } = auth.auth;
  expect(await tokens.verify(access_token)).toBe(await tokens.verify(access_token));
  const [head, payload = '', signature] = access_token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const forged = Buffer.from(JSON.stringify({ ...claims, sub: crypto.randomUUID() })).toString('base64url');
  await expect(tokens.verify(`${head}.${forged}.${signature}`)).rejects.toMatchObject({ code: 'invalid_token' });
  moveTime(39);
  await tokens.verify(access_token);
  moveTime(1);
  await expect(tokens.verify(access_token)).rejects.toMatchObject({ message: 'The access token has expired.' });
});

test('tokens that are not ours are refused', async () => {
  const auth = await createTestAuth();
  const { user, access_token, refresh_token } = await signUp(auth);
  const other = await createTestAuth({ section: { jwt_audience: 'elsewhere' }, database: auth.database });
  const { kid = '' } = decodeProtectedHeader(access_token);
  const foreign = await generateKeyPair('ES256');
  const claims = { sub: user.id, email: user.email };
  const forge = (header: { alg: string; kid?: string }, key: CryptoKey | Uint8Array) =>
    new SignJWT(claims)
      .setProtectedHeader(header)
      .setIssuer('reactor-auth')
      .setAudience('reactor')
      .setExpirationTime('1h')
      .sign(key);
  const publicBytes = new TextEncoder().encode(JSON.stringify(await exportJWK(foreign.publicKey)));
  const [header, payload, signature] = access_token.split('.');
  const tampered = Buffer.from(JSON.stringify({ ...claims, email: 'root@example.com', exp: 9e9 })).toString(
    'base64url',
  );
  const tokens: Record<string, string> = {
    'of another audience': (await signUp(other, 'bob@example.com')).access_token,
    'signed with another key under our kid': await forge({ alg: 'ES256', kid }, foreign.privateKey),
    'with a kid nobody has': await forge(
      { alg: 'ES256', kid: '01a3185c-5000-772f-a7a3-96b42cbab450' },
      foreign.privateKey,
    ),
    'with no kid': await forge({ alg: 'ES256' }, foreign.privateKey),
    'by a shared secret': await forge({ alg: 'HS256', kid }, publicBytes),
    'without signature': `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`,
    'with another payload': `${header}.${tampered}.${signature}`,
    'that is a session token': refresh_token,
    'that is nothing': 'x.y.z',
    'that is empty': '',
    'that is very long': `${'a'.repeat(100_000)}.b.c`,
  };
  for (const [what, token] of Object.entries(tokens)) {
    await expect(auth.auth.tokens.verify(token), what).rejects.toMatchObject({ code: 'invalid_token', status: 401 });
  }
  expect(
    await sampleOf(auth, 'reactor_auth_token_verifications_total', { result: 'rejected', reason: 'invalid' }),
  ).toBe(Object.keys(tokens).length);
});

test('jose agrees that the error of a used-up token is expiry', async () => {
  const auth = await createTestAuth({ section: { access_ttl_secs: 10 } });
  const { access_token } = await signUp(auth);
  const keys = createLocalJWKSet((await auth.get('/keys')).body);
  await expect(jwtVerify(access_token, keys, { currentDate: new Date(Date.now() + 11_000) })).rejects.toBeInstanceOf(
    errors.JWTExpired,
  );
});

test('GET /user answers by access token and by session token', async () => {
  const auth = await createTestAuth();
  const { user, access_token, refresh_token } = await signUp(auth);
  for (const token of [access_token, refresh_token]) {
    const { status, body } = await auth.get('/user', bearer(token));
    expect(status).toBe(200);
    expect(body).toEqual(user);
  }
});

test.each([
  ['nothing', {}, 'unauthorized'],
  ['another scheme', { Authorization: 'Basic YTpi' }, 'invalid_token'],
  ['an unknown session token', bearer('kPpLMdsbllpTY62UIzcCVVMmoTUCzCV2'), 'invalid_token'],
  ['no JWT', bearer('a.b.c'), 'invalid_token'],
])('GET /user with %s is refused', async (_, headers, code) => {
  const auth = await createTestAuth();
  const { status, body } = await auth.get('/user', headers as Record<string, string>);
  expect([status, body.error.code]).toEqual([401, code]);
});

test.each(['the-operator', 'the.operator.token'])(
  'the admin token %s is known, and belongs to no user',
  async (token) => {
    const auth = await createTestAuth({ operatorToken: token });
    for (const answer of [
      await auth.get('/user', bearer(token)),
      await auth.post('/logout', undefined, bearer(token)),
    ]) {
      expect([answer.status, answer.body.error.code]).toEqual([403, 'forbidden']);
      expect(answer.body.error.message).toContain('admin token belongs to no user');
    }
    expect((await auth.get('/user', bearer('somebody-else-s-token'))).status).toBe(401);
  },
);

test('GET /user of a deleted user', async () => {
  const auth = await createTestAuth();
  const { access_token } = await signUp(auth);
  await auth.database.query('DELETE FROM reactor_auth.users');
  const { status, body } = await auth.get('/user', bearer(access_token));
  expect([status, body.error.code]).toEqual([404, 'user_not_found']);
});

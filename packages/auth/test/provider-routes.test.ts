import { createAuthClient } from 'better-auth/client';
import { organizationClient } from 'better-auth/client/plugins';
import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { bearer, createTestAuth, PASSWORD, sampleOf, signUp, type TestAuth } from './fixture.js';

const EVIL = { Origin: 'https://evil.example' };

function cookieOf({ headers }: { readonly headers: Headers }): string {
  const cookie = headers.getSetCookie().map((value) => value.split(';', 1)[0]);
  if (cookie.length === 0) throw new Error('no cookie was set');
  return cookie.join('; ');
}

async function signInByCookie(auth: TestAuth): Promise<string> {
  await signUp(auth);
  return cookieOf(await auth.post('/sign-in/email', { email: 'ada@example.com', password: PASSWORD }));
}

test("better-auth's own client signs up, in and out, and works with organizations", async () => {
  const auth = await createTestAuth();
  let token = '';
  const client = createAuthClient({
    baseURL: 'http://reactor.test/auth/v1',
    plugins: [organizationClient()],
    fetchOptions: {
      customFetchImpl: async (input, init) => auth.app.request(input instanceof URL ? input.href : input, init),
      auth: { type: 'Bearer', token: () => token },
      onSuccess: ({ response }) => {
        token = response.headers.get('set-auth-token') ?? token;
      },
    },
  });
  const created = await client.signUp.email({ email: 'ada@example.com', password: PASSWORD, name: 'Ada' });
  expect(created.error).toBeNull();
  expect((await client.getSession()).data?.user.email).toBe('ada@example.com');
  const organization = await client.organization.create({ name: 'Acme', slug: 'acme' });
  expect(organization.data?.slug).toBe('acme');
  expect((await client.signOut()).data?.success).toBe(true);
  expect((await client.getSession()).data).toBeNull();
  expect(await sampleOf(auth, 'reactor_auth_sign_ups_total', { result: 'ok' })).toBe(1);
});

test('a token names the active organization and the role in it, as of when it was issued', async () => {
  const auth = await createTestAuth();
  const { refresh_token, access_token } = await signUp(auth);
  expect(await auth.auth.tokens.verify(access_token)).not.toHaveProperty('orgId');
  const { body: org } = await auth.post('/organization/create', { name: 'Acme', slug: 'acme' }, bearer(refresh_token));
  const refreshed = await auth.post('/token', { refresh_token });
  expect(await auth.auth.tokens.verify(refreshed.body.access_token)).toMatchObject({ orgId: org.id, orgRole: 'owner' });
  // Who has one organization starts in it.
  const login = await auth.post('/login', { email: 'ada@example.com', password: PASSWORD });
  expect(await auth.auth.tokens.verify(login.body.access_token)).toMatchObject({ orgId: org.id });
  await auth.database.query("UPDATE reactor_auth.members SET role = 'member'");
  const { token } = (await auth.get('/token', bearer(refresh_token))).body;
  expect(await auth.auth.tokens.verify(token)).toMatchObject({ orgId: org.id, orgRole: 'member' });
  expect(await sampleOf(auth, 'reactor_auth_tokens_issued_total', { grant: 'session' })).toBe(1);
  await auth.database.query('DELETE FROM reactor_auth.members');
  const removed = await auth.post('/token', { refresh_token });
  expect(await auth.auth.tokens.verify(removed.body.access_token)).not.toHaveProperty('orgId');
});

test('an invitation is accepted by the account with its address', async () => {
  const auth = await createTestAuth();
  const ada = await signUp(auth);
  const bob = await signUp(auth, 'bob@example.com');
  const { body: org } = await auth.post('/organization/create', { name: 'A', slug: 'a' }, bearer(ada.refresh_token));
  const invitation = await auth.post(
    '/organization/invite-member',
    { email: 'bob@example.com', role: 'member', organizationId: org.id },
    bearer(ada.refresh_token),
  );
  expect(invitation.status).toBe(200);
  const accept = { invitationId: invitation.body.id };
  const wrong = await auth.post('/organization/accept-invitation', accept, bearer(ada.refresh_token));
  expect([wrong.status, wrong.body.error.code]).toEqual([403, 'you_are_not_the_recipient_of_the_invitation']);
  expect((await auth.post('/organization/accept-invitation', accept, bearer(bob.refresh_token))).status).toBe(200);
  const { body } = await auth.post('/token', { refresh_token: bob.refresh_token });
  expect(await auth.auth.tokens.verify(body.access_token)).toMatchObject({ orgId: org.id, orgRole: 'member' });
});

test('refusals come in the envelope with their status and a code in lower case', async () => {
  const auth = await createTestAuth();
  const { refresh_token } = await signUp(auth);
  const cases: [string, Promise<{ status: number; body: unknown }>, number, string][] = [
    ['no session', auth.get('/list-sessions'), 401, 'unauthorized'],
    ['a JSON body that is none', auth.post('/sign-in/email', '{"email":', {}), 400, 'invalid_request'],
    ['a missing field', auth.post('/sign-in/email', { email: 'ada@example.com' }), 400, 'invalid_request'],
    [
      'a short password',
      auth.post('/sign-up/email', { email: 'b@example.com', password: 'x', name: 'B' }),
      400,
      'weak_password',
    ],
    [
      'a taken address',
      auth.post('/sign-up/email', { email: 'ada@example.com', password: PASSWORD, name: 'Ada' }),
      409,
      'email_exists',
    ],
    [
      'a wrong password',
      auth.post('/sign-in/email', { email: 'ada@example.com', password: 'wrong password' }),
      401,
      'invalid_credentials',
    ],
    [
      'a text body',
      auth.post('/sign-in/email', 'email=ada', { 'Content-Type': 'text/plain' }),
      415,
      'unsupported_media_type',
    ],
    [
      'an id that is no uuid',
      auth.get('/organization/get-full-organization?organizationId=abc', bearer(refresh_token)),
      400,
      'invalid_value',
    ],
    [
      'an organization of others',
      auth.get(
        '/organization/get-full-organization?organizationId=01a3185c-5000-772f-a7a3-96b42cbab450',
        bearer(refresh_token),
      ),
      400,
      'organization_not_found',
    ],
    [
      'a wrong current password',
      auth.post(
        '/change-password',
        { currentPassword: 'wrong password', newPassword: 'another password' },
        bearer(refresh_token),
      ),
      400,
      'invalid_password',
    ],
  ];
  for (const [what, answer, status, code] of cases) {
    const { status: actual, body } = await answer;
    expect([what, actual, body], what).toEqual([
      what,
      status,
      {
        error: expect.objectContaining({
          code,
          status,
          message: expect.stringMatching(/\S/),
          request_id: expect.any(String),
        }),
      },
    ]);
  }
  expect(
    await sampleOf(auth, 'reactor_auth_password_changes_total', { result: 'rejected', reason: 'invalid_password' }),
  ).toBe(1);
});

test('a password is changed with the current one', async () => {
  const auth = await createTestAuth();
  const { refresh_token } = await signUp(auth);
  const change = { currentPassword: PASSWORD, newPassword: 'another password' };
  expect((await auth.post('/change-password', change, bearer(refresh_token))).status).toBe(200);
  expect(await sampleOf(auth, 'reactor_auth_password_changes_total', { result: 'ok' })).toBe(1);
  expect((await auth.post('/login', { email: 'ada@example.com', password: PASSWORD })).status).toBe(401);
  expect((await auth.post('/login', { email: 'ada@example.com', password: 'another password' })).status).toBe(200);
});

test('an access token does not open the routes that hand out session tokens', async () => {
  const auth = await createTestAuth();
  const { access_token } = await signUp(auth);
  for (const path of ['/list-sessions', '/token', '/organization/list']) {
    const { status, body } = await auth.get(path, bearer(access_token));
    expect([path, status, body.error.code]).toEqual([path, 401, 'unauthorized']);
    expect(body.error.message).toContain('session token');
  }
  expect((await auth.get('/get-session', bearer(access_token))).body).toBeNull();
});

test.each<[string, Record<string, string>]>([
  ['curl, without any header', {}],
  ["Node's fetch", { 'Sec-Fetch-Mode': 'cors', 'User-Agent': 'node' }],
  [
    'a page of the same origin',
    { Origin: 'http://reactor.test', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Site': 'same-origin' },
  ],
  ['a page of the public URL', { Origin: 'https://app.example.com', 'Sec-Fetch-Mode': 'cors' }],
])('%s may sign in', async (_, headers) => {
  const auth = await createTestAuth({ section: { public_url: 'https://app.example.com/base' } });
  await signUp(auth);
  const { status } = await auth.post('/sign-in/email', { email: 'ada@example.com', password: PASSWORD }, headers);
  expect(status).toBe(200);
});

test('a page of another origin is refused, with cookies and at sign-in', async () => {
  const auth = await createTestAuth();
  const cookie = await signInByCookie(auth);
  const signIn = { email: 'ada@example.com', password: PASSWORD };
  for (const [path, body, headers] of [
    ['/sign-out', {}, { ...EVIL, Cookie: cookie }],
    ['/sign-out', {}, { Referer: 'https://evil.example/page', Cookie: cookie }],
    ['/sign-out', {}, { Origin: 'null', Cookie: cookie }],
    ['/organization/create', { name: 'A', slug: 'a' }, { ...EVIL, Cookie: cookie }],
    ['/sign-in/email', signIn, EVIL],
    ['/sign-in/email', signIn, { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate', ...EVIL }],
  ] as const) {
    const answer = await auth.post(path, body, headers);
    expect([path, answer.status, answer.body.error.code]).toEqual([path, 403, 'untrusted_origin']);
  }
  // The session is still there, and the page it belongs to may end it.
  expect((await auth.get('/get-session', { Cookie: cookie })).body.user.email).toBe('ada@example.com');
  const own = await auth.post('/sign-out', {}, { Origin: 'http://reactor.test', Cookie: cookie });
  expect(own.status).toBe(200);
  expect((await auth.get('/get-session', { Cookie: cookie })).body).toBeNull();
});

test('a page of a trusted origin signs in and sends cookies; its neighbours do not', async () => {
  const auth = await createTestAuth({ trustedOrigins: ['https://shop.example', 'capacitor://localhost'] });
  const cookie = await signInByCookie(auth);
  const signIn = { email: 'ada@example.com', password: PASSWORD };
  for (const [origin, status] of [
    ['https://shop.example', 200],
    ['capacitor://localhost', 200],
    ['http://shop.example', 403],
    ['https://shop.example:8443', 403],
    ['https://shop.example.evil.example', 403],
    ['https://evil.shop.example', 403],
    ['https://evil.example/https://shop.example', 403],
    ['capacitor://evil', 403],
    ['null', 403],
  ] as const) {
    const browser = { Origin: origin, 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Site': 'cross-site' };
    const answers = [
      await auth.post('/sign-in/email', signIn, browser),
      await auth.post('/update-user', { name: 'Ada' }, { ...browser, Cookie: cookie }),
    ];
    const code = status === 200 ? undefined : 'untrusted_origin';
    expect([origin, ...answers.map((answer) => [answer.status, answer.body.error?.code])]).toEqual([
      origin,
      [status, code],
      [status, code],
    ]);
  }
});

test('a pattern of trusted origins is refused', async () => {
  for (const origin of ['*', 'https://*.example.com', 'https://shop?.example']) {
    await expect(createTestAuth({ trustedOrigins: [origin] })).rejects.toThrow(`trustedOrigins: ${origin}`);
  }
});

test('the alias routes know no cookies, so nothing there can be forged', async () => {
  const auth = await createTestAuth();
  const cookie = await signInByCookie(auth);
  expect((await auth.get('/user', { Cookie: cookie })).status).toBe(401);
  expect((await auth.post('/logout', undefined, { ...EVIL, Cookie: cookie })).status).toBe(401);
  const login = await auth.post('/login', { email: 'ada@example.com', password: PASSWORD }, { Cookie: cookie });
  expect(login.headers.getSetCookie()).toEqual([]);
});

test('cookies of an https address are secure', async () => {
  const auth = await createTestAuth({ section: { public_url: 'https://app.example.com' } });
  await signUp(auth);
  const { headers } = await auth.post('/sign-in/email', { email: 'ada@example.com', password: PASSWORD });
  expect(headers.getSetCookie()[0]).toMatch(/^__Secure-reactor\.session_token=.*; HttpOnly; Secure; SameSite=Lax/);
});

test.each([
  ['DELETE', '/login', 'POST'],
  ['PUT', '/token', 'GET, HEAD, POST'],
  ['POST', '/keys', 'GET, HEAD'],
  ['GET', '/sign-in/email', 'POST'],
])('%s %s is answered 405 with what there is', async (method, path, allow) => {
  const auth = await createTestAuth();
  const response = await auth.app.request(`/auth/v1${path}`, { method });
  expect(response.status).toBe(405);
  expect(response.headers.get('Allow')).toBe(allow);
  expect(await response.json()).toMatchObject({ error: { code: 'method_not_allowed' } });
});

test.each(['/sign-in/social', '/reset-password/x', '/verify-password', '/ok', '/error', '/delete-user', '/nothing'])(
  'there is no %s',
  async (path) => {
    const auth = await createTestAuth();
    expect((await auth.post(path, {})).status).toBe(404);
  },
);

test('works below another mount point too', async () => {
  const auth = await createTestAuth();
  const app = new Hono().route('/accounts', auth.auth.routes);
  const post = (path: string, body: unknown) =>
    app.request(`/accounts${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
  expect((await post('/signup', { email: 'ada@example.com', password: PASSWORD })).status).toBe(201);
  expect((await post('/sign-in/email', { email: 'ada@example.com', password: PASSWORD })).status).toBe(200);
  expect((await post('/sign-in/email', { email: 'ada@example.com', password: 'wrong password' })).status).toBe(401);
});

test('HEAD answers as GET without a body', async () => {
  const auth = await createTestAuth();
  for (const path of ['/keys', '/health', '/get-session']) {
    const response = await auth.app.request(`/auth/v1${path}`, { method: 'HEAD' });
    expect([path, response.status, await response.text()]).toEqual([path, 200, '']);
  }
});

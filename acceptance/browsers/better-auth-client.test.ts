import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { launchBrowser, otherSite } from '../support/browser.js';
import { linesOf } from '../support/log.js';
import { startServer, type TestServer } from '../support/server.js';

const PERSON = { email: 'ada@example.com', password: 'correct horse battery', name: 'Ada' };

/** better-auth's client as a page loads it, at `createAuthClient` of its window. */
async function clientScript(): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents:
        "import { createAuthClient } from 'better-auth/client'; globalThis.createAuthClient = createAuthClient;",
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    write: false,
    platform: 'browser',
    logLevel: 'silent',
  });
  return (outputFiles[0] as { text: string }).text;
}

/** A server that allows the first page, under both names of this machine, and not the second. */
async function serverAndPages() {
  const script = await clientScript();
  const page = '<!doctype html><title>page</title><script src="/script.js"></script>';
  const files = { '/': ['text/html', page], '/script.js': ['text/javascript', script] } as const;
  const [allowed, other] = [await otherSite(files), await otherSite(files)];
  const origins = [allowed, allowed.replace('127.0.0.1', 'localhost')];
  const server = await startServer({
    environment: { REACTOR_SERVER__CORS__ALLOW_ORIGINS: JSON.stringify(origins) },
  });
  return {
    server,
    sameSite: origins[0] as string,
    crossSite: origins[1] as string,
    other,
  };
}

type Outcome = { readonly user?: string; readonly error?: string; readonly done?: boolean };

/** One call of the client in the page. @returns the user of its answer, or how it failed */
function call(page: Page, server: TestServer, method: string, body: object = {}, token?: string): Promise<Outcome> {
  return page.evaluate(
    async ({ url, method, body, token }) => {
      // biome-ignore lint/suspicious/noExplicitAny: the client in the page has no type here
      const { createAuthClient } = globalThis as any;
      const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
      let target = createAuthClient({ baseURL: `${url}/auth/v1`, fetchOptions: { headers } });
      for (const name of method.split('.')) target = target[name];
      try {
        const { data, error } = await target(body);
        if (error) return { error: error.code ?? `${error.status}` };
        return data?.user ? { user: data.user.email } : { done: data !== null };
      } catch (failure) {
        return { error: String(failure) };
      }
    },
    { url: server.url, method, body, token },
  );
}

test("better-auth's client signs up, in and out by cookies, from a page whose origin is allowed", async () => {
  const { server, sameSite } = await serverAndPages();
  const browser = await (await launchBrowser()).newContext();
  const page = await browser.newPage();
  await page.goto(sameSite);
  const user = { user: PERSON.email };
  expect(await call(page, server, 'signUp.email', PERSON)).toEqual(user);
  expect(await call(page, server, 'getSession')).toEqual(user);
  expect(await call(page, server, 'signOut')).toEqual({ done: true });
  expect(await call(page, server, 'getSession')).toEqual({ done: false });
  expect(await call(page, server, 'signIn.email', { ...PERSON, password: 'wrong horse' })).toEqual({
    error: '401',
  });
  expect(await call(page, server, 'signIn.email', PERSON)).toEqual(user);
  await page.reload();
  expect(await call(page, server, 'getSession')).toEqual(user);
  const [cookie] = await browser.cookies(server.url);
  expect(cookie).toMatchObject({ name: 'reactor.session_token', httpOnly: true, sameSite: 'Lax' });
});

test('a page whose origin is not allowed reads nothing and changes nothing, though the cookie goes along', async () => {
  const { server, sameSite, other } = await serverAndPages();
  const browser = await (await launchBrowser()).newContext();
  const page = await browser.newPage();
  await page.goto(sameSite);
  await call(page, server, 'signUp.email', PERSON);
  const evil = await browser.newPage();
  await evil.goto(other);
  for (const [method, body] of [
    ['getSession', {}],
    ['signIn.email', PERSON],
    ['updateUser', { name: 'Eve' }],
    ['signOut', {}],
  ] as const) {
    expect([method, await call(evil, server, method, body)]).toEqual([
      method,
      { error: expect.stringMatching(/fetch/) },
    ]);
  }
  // Past the preflight: what a form of that page could send. The answer is kept from it.
  for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
    await evil.evaluate(
      ([url, type]) =>
        fetch(`${url}/auth/v1/sign-out`, {
          method: 'POST',
          mode: 'no-cors',
          credentials: 'include',
          headers: { 'Content-Type': type as string },
          body: '{}',
        }).catch(() => {}),
      [server.url, type],
    );
  }
  await evil.evaluate(
    (url) =>
      fetch(`${url}/auth/v1/sign-out`, { method: 'POST', mode: 'no-cors', credentials: 'include' }).catch(() => {}),
    server.url,
  );
  const answered = () =>
    linesOf(server)
      .map(({ fields }) => fields)
      .filter(({ method, path }) => method === 'POST' && path === '/auth/v1/sign-out')
      .map(({ status }) => status);
  await expect.poll(answered).toEqual([415, 415, 403]);
  expect(await call(page, server, 'getSession')).toEqual({ user: PERSON.email });
});

test('a page of another site gets no cookie, and works by the session token', async () => {
  const { server, crossSite } = await serverAndPages();
  const browser = await (await launchBrowser()).newContext();
  const page = await browser.newPage();
  await page.goto(crossSite);
  expect(await call(page, server, 'signUp.email', PERSON)).toEqual({ user: PERSON.email });
  expect(await call(page, server, 'getSession')).toEqual({ done: false });
  expect(await browser.cookies(server.url)).toEqual([]);
  const token = await page.evaluate(
    async ([url, person]) => {
      const answer = await fetch(`${url}/auth/v1/sign-in/email`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: person as string,
      });
      return answer.headers.get('set-auth-token');
    },
    [server.url, JSON.stringify(PERSON)],
  );
  expect(await call(page, server, 'getSession', {}, token as string)).toEqual({ user: PERSON.email });
});

test('cookies are offered to exact origins, below /auth/v1 only', async () => {
  const { server, sameSite, other } = await serverAndPages();
  const granted = { 'access-control-allow-origin': sameSite, 'access-control-allow-credentials': 'true' };
  const withoutCookies = { 'access-control-allow-origin': sameSite };
  const cases: [path: string, origin: string | undefined, expected: Record<string, string>][] = [
    ['/auth/v1/get-session', sameSite, granted],
    ['/auth/v1/nowhere', sameSite, granted],
    ['/data/v1/todos', sameSite, withoutCookies],
    ['/storage/v1/buckets', sameSite, withoutCookies],
    ['/health', sameSite, withoutCookies],
    ['/_admin/version', sameSite, withoutCookies],
    ['/auth/v1x', sameSite, withoutCookies],
    ['/auth/v1/get-session', other, {}],
    ['/auth/v1/get-session', sameSite.replace('http:', 'https:'), {}],
    ['/auth/v1/get-session', `${sameSite}.evil.example`, {}],
    ['/auth/v1/get-session', sameSite.toUpperCase(), {}],
    ['/auth/v1/get-session', 'null', {}],
    ['/auth/v1/get-session', '*', {}],
    ['/auth/v1/get-session', undefined, {}],
  ];
  const wrong: unknown[] = [];
  for (const [path, origin, expected] of cases) {
    for (const method of ['GET', 'OPTIONS']) {
      const answer = await fetch(`${server.url}${path}`, {
        method,
        headers: {
          ...(origin === undefined ? {} : { Origin: origin }),
          ...(method === 'OPTIONS'
            ? { 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'content-type' }
            : {}),
        },
      });
      const preflight =
        method === 'GET' || !('access-control-allow-origin' in expected)
          ? {}
          : { 'access-control-allow-headers': 'content-type', 'access-control-max-age': '600' };
      const { 'access-control-allow-methods': methods, ...said } = Object.fromEntries(
        [...answer.headers].filter(([name]) => name.startsWith('access-control-') && !name.endsWith('expose-headers')),
      );
      const right =
        JSON.stringify(Object.entries(said).sort()) ===
          JSON.stringify(Object.entries({ ...expected, ...preflight }).sort()) &&
        (Object.keys(preflight).length === 0 ? methods === undefined : /\bPOST\b/.test(methods ?? '')) &&
        /\bOrigin\b/.test(answer.headers.get('Vary') ?? '');
      if (!right) wrong.push({ method, path, origin, status: answer.status, headers: [...answer.headers] });
    }
  }
  expect(wrong).toEqual([]);
});

import type { OpenAPIHono } from '@hono/zod-openapi';
import { coreErrors, type IsOperator, type ReactorEnv, ReactorError, type Services } from '@reactor/core';
import type { Context, Handler } from 'hono';
import type { AuthConfig } from '../config.js';
import type { AttemptKind } from '../metrics.js';
import { CLIENT_ADDRESS_HEADER, PROVIDER_BASE_PATH } from '../provider.js';
import { providerEndpoints } from '../provider-endpoints.js';
import type { AuthService } from '../service.js';
import { requireOpenSignUp } from '../sessions.js';
import { clientAddress } from './client.js';
import { checkProviderInput } from './provider-input.js';
import { describeProviderRoute } from './provider-openapi.js';

/**
 * Endpoints of better-auth that need something this capability does not configure (social providers, mail), or that
 * would let a stolen session try passwords without limit.
 */
const WITHHELD = new Set([
  '/sign-in/social',
  '/callback/:id',
  '/link-social',
  '/unlink-account',
  '/refresh-token',
  '/get-access-token',
  '/account-info',
  '/request-password-reset',
  '/reset-password',
  '/reset-password/:token',
  '/send-verification-email',
  '/verify-email',
  '/verify-password',
  '/change-email',
  '/delete-user',
  '/delete-user/callback',
  '/ok',
  '/error',
]);

const ATTEMPTS: Readonly<Record<string, AttemptKind>> = {
  '/sign-in/email': 'sign_in',
  '/sign-up/email': 'sign_up',
  '/change-password': 'password_change',
};

export interface SignUpRule {
  readonly config: AuthConfig;
  readonly isOperator: IsOperator;
}

/** better-auth's own routes, so that its client libraries work. Each is a route of its own, as metrics go by pattern. */
export function addProviderRoutes(
  routes: OpenAPIHono<ReactorEnv>,
  services: Services<AuthService>,
  { config, isOperator }: SignUpRule,
): void {
  for (const endpoint of providerEndpoints()) {
    const { path, methods } = endpoint;
    if (WITHHELD.has(path)) continue;
    describeProviderRoute(routes, endpoint);
    const kind = ATTEMPTS[path];
    const forward: Handler<ReactorEnv> = async (c) => {
      const { provider, attempts } = services.of(c);
      const body = await readJson(c);
      checkProviderInput(path, new URL(c.req.url).searchParams, body);
      const request = await toProviderRequest(c, path);
      if (kind === undefined) return provider.handle(request).catch((error) => explainBearer(c, error));
      const account = kind === 'sign_in' ? triedAccount(body) : undefined;
      return attempts.run({ kind, address: clientAddress(c), account }, async () => {
        if (kind === 'sign_up') requireOpenSignUp(config, isOperator(c));
        return provider.handle(request);
      });
    };
    routes.on([...methods], path, forward);
  }
}

/** An access token must not open these routes: they hand out session tokens, which live longer. */
function explainBearer(c: Context<ReactorEnv>, error: unknown): never {
  const sentJwt = /^Bearer +[^ .]+\.[^ .]+\.[^ .]+ *$/i.test(c.req.header('Authorization') ?? '');
  if (!sentJwt || !(error instanceof ReactorError) || error.code !== 'unauthorized') throw error;
  throw coreErrors.create.unauthorized('This route takes the session token (refresh_token), not an access token.', {
    cause: error,
  });
}

async function toProviderRequest(c: Context<ReactorEnv>, path: string): Promise<Request> {
  const url = new URL(c.req.url);
  url.pathname = PROVIDER_BASE_PATH + path;
  const headers = new Headers(c.req.raw.headers);
  headers.delete(CLIENT_ADDRESS_HEADER);
  const address = clientAddress(c);
  if (address !== undefined) headers.set(CLIENT_ADDRESS_HEADER, address);
  // Node's fetch sends sec-fetch-mode as browsers do, but neither Origin nor cookies: there is no page to protect.
  if (!headers.has('Origin') && !headers.has('Referer') && !headers.has('Cookie')) {
    for (const name of [...headers.keys()]) if (name.startsWith('sec-fetch-')) headers.delete(name);
  }
  const reads = c.req.method === 'GET' || c.req.method === 'HEAD';
  const body = reads ? '' : await c.req.text();
  // The length of what came in; the body goes on as text.
  headers.delete('Content-Length');
  return new Request(url, { method: reads ? 'GET' : c.req.method, headers, ...(body === '' ? {} : { body }) });
}

/** The body, which `checkInput` has let through. */
async function readJson(c: Context<ReactorEnv>): Promise<unknown> {
  const text = c.req.method === 'GET' || c.req.method === 'HEAD' ? '' : await c.req.text();
  return text === '' ? undefined : JSON.parse(text);
}

function triedAccount(body: unknown): string | undefined {
  const { email } = (body ?? {}) as { email?: unknown };
  return typeof email === 'string' ? email : undefined;
}

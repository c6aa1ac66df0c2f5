import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { coreErrors, errorAnswer, invalidInput, jsonAnswer, type ReactorEnv, type Services } from '@reactor/core';
import type { Context } from 'hono';
import type { AuthService } from '../service.js';
import type { IssuedSession, Sessions } from '../sessions.js';
import { requireBody } from './body.js';
import { clientOf } from './client.js';
import { credentialsSchema, signedInSchema, toSignedIn } from './schemas.js';

const login = createRoute({
  method: 'post',
  path: '/login',
  summary: 'Sign in with e-mail address and password',
  middleware: requireBody,
  request: { body: { required: true, content: { 'application/json': { schema: credentialsSchema } } } },
  responses: {
    200: jsonAnswer('Signed in.', signedInSchema),
    400: errorAnswer('invalid_request'),
    401: errorAnswer('invalid_credentials'),
    403: errorAnswer('user_disabled'),
    429: errorAnswer('too_many_requests'),
  },
});

const GRANT_TYPES = ['password', 'refresh_token'] as const;

const grantType = z
  .string()
  .optional()
  .openapi({ enum: [...GRANT_TYPES], description: 'Default: what the other fields say.' });

/** Loose, as the fields of one grant are noise to the other; the grant's own schema follows. */
const tokenRequest = z.looseObject({
  grant_type: grantType,
  email: z.string().optional(),
  password: z.string().optional(),
  refresh_token: z.string().optional(),
});

const token = createRoute({
  method: 'post',
  path: '/token',
  summary: 'Get an access token for a password or a refresh token',
  middleware: requireBody,
  request: {
    query: z.object({ grant_type: grantType }),
    body: {
      content: {
        'application/json': { schema: tokenRequest },
        'application/x-www-form-urlencoded': { schema: tokenRequest },
      },
    },
  },
  responses: {
    200: jsonAnswer('A new access token.', signedInSchema),
    400: errorAnswer('invalid_request'),
    401: errorAnswer('invalid_credentials', 'invalid_refresh_token'),
    403: errorAnswer('user_disabled'),
    429: errorAnswer('too_many_requests'),
  },
});

const refreshSchema = z.object({ refresh_token: z.string('must be a string') });

/** `POST /login` and `POST /token`. */
export function addTokenRoutes(routes: OpenAPIHono<ReactorEnv>, services: Services<AuthService>): void {
  routes.openapi(login, async (c) => {
    const issued = await services.of(c).sessions.signIn(c.req.valid('json'), clientOf(c));
    return c.json(toSignedIn(issued), 200);
  });
  routes.openapi(token, async (c) => {
    const fields = { ...c.req.valid('form'), ...c.req.valid('json') };
    const grant = c.req.valid('query').grant_type ?? fields.grant_type ?? inferGrant(fields);
    return c.json(toSignedIn(await redeem(grant, fields, services.of(c).sessions, c)), 200);
  });
}

async function redeem(
  grant: string | undefined,
  fields: unknown,
  sessions: Sessions,
  c: Context<ReactorEnv>,
): Promise<IssuedSession> {
  if (grant === 'password') return sessions.signIn(parseFields(credentialsSchema, fields), clientOf(c));
  if (grant === 'refresh_token') return sessions.refresh(parseFields(refreshSchema, fields).refresh_token);
  const accepted = GRANT_TYPES.join(' or ');
  throw coreErrors.create.invalid_request(
    grant === undefined
      ? 'Send email and password, or refresh_token.'
      : `grant_type ${JSON.stringify(grant.slice(0, 100))} is not known; accepted is ${accepted}.`,
  );
}

function inferGrant(fields: { readonly email?: unknown; readonly refresh_token?: unknown }): string | undefined {
  if (fields.refresh_token !== undefined) return 'refresh_token';
  return fields.email !== undefined ? 'password' : undefined;
}

function parseFields<T>(schema: z.ZodType<T>, fields: unknown): T {
  const parsed = schema.safeParse(fields);
  if (!parsed.success) throw invalidInput(parsed.error.issues, 'body');
  return parsed.data;
}

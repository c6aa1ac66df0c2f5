import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { coreErrors, type ReactorEnv, type TokenVerifier } from '@reactor/core';
import type { Context } from 'hono';
import { authErrors } from '../errors.js';
import type { Sessions } from '../sessions.js';
import type { AuthStore } from '../store.js';
import { readBody } from './body.js';
import { type IsOperator, isFromOperator } from './operator.js';
import { failures, json, toUserBody, userSchema } from './schemas.js';

const getUser = createRoute({
  method: 'get',
  path: '/user',
  tags: ['auth'],
  summary: 'The signed-in user',
  security: [{ bearer: [] }],
  responses: {
    200: json(userSchema, 'The user of the access or session token.'),
    ...failures({ 401: 'unauthorized, invalid_token', 403: 'user_disabled, forbidden', 404: 'user_not_found' }),
  },
});

const logout = createRoute({
  method: 'post',
  path: '/logout',
  tags: ['auth'],
  summary: 'End the session',
  description: 'Names the session by `refresh_token` or by a bearer token. An access token lives on until it expires.',
  request: {
    body: {
      content: {
        // For the document only: clients may say JSON and send nothing, which the validator would refuse.
        'application/json': { schema: { type: 'object', properties: { refresh_token: { type: 'string' } } } },
      },
    },
  },
  responses: {
    204: { description: 'The session is over, or was before.' },
    ...failures({ 400: 'invalid_request', 401: 'unauthorized, invalid_token', 403: 'forbidden' }),
  },
});

export interface UserRoutesContext {
  readonly sessions: Sessions;
  readonly store: AuthStore;
  readonly tokens: TokenVerifier;
  readonly isOperator: IsOperator | undefined;
}

/** Who a bearer token names: by an access token (JWT) or a session token. */
interface Bearer {
  readonly userId: string;
  readonly sessionId: string | undefined;
}

/** `GET /user` and `POST /logout`. */
export function addUserRoutes(routes: OpenAPIHono<ReactorEnv>, context: UserRoutesContext): void {
  const { sessions, store } = context;
  routes.openapi(getUser, async (c) => {
    const { userId } = await readBearer(c, context);
    const user = await store.findUser(userId);
    if (user === undefined) throw authErrors.create.user_not_found('This user was deleted.');
    if (user.disabled) throw authErrors.create.user_disabled('This account is disabled.');
    return c.json(toUserBody(user), 200);
  });
  routes.openapi(logout, async (c) => {
    const { refresh_token: refreshToken } = (await readBody(c, logoutSchema)) ?? {};
    if (refreshToken !== undefined) {
      // Enough by itself: whoever holds it could only use the session. The bearer some clients send along may be any.
      await sessions.end({ token: refreshToken });
    } else {
      const { sessionId } = await readBearer(c, context);
      if (sessionId !== undefined) await sessions.end({ id: sessionId });
    }
    return c.body(null, 204);
  });
}

const logoutSchema = z.object({ refresh_token: z.string('must be a string').optional() });

const BEARER = /^Bearer +(\S+) *$/i;

async function readBearer(c: Context<ReactorEnv>, context: UserRoutesContext): Promise<Bearer> {
  const { sessions, tokens, isOperator } = context;
  const header = c.req.header('Authorization');
  if (header === undefined) {
    throw coreErrors.create.unauthorized('This route needs a bearer token.', {
      headers: { 'WWW-Authenticate': 'Bearer' },
    });
  }
  if (isFromOperator(c, isOperator)) {
    throw coreErrors.create.forbidden('The admin token belongs to no user; this route needs the token of a user.');
  }
  const token = BEARER.exec(header)?.[1] ?? '';
  // Only an access token has dots.
  if (!token.includes('.')) {
    const session = await sessions.find(token);
    if (session !== undefined) {
      // Whose request it is, for the access line.
      c.set('principal', { kind: 'user', id: session.userId, claims: {} });
      return { userId: session.userId, sessionId: session.id };
    }
    throw coreErrors.create.invalid_token('The bearer token is unknown or its session is over.', {
      headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' },
    });
  }
  const principal = await tokens.verify(token, c);
  if (principal.kind !== 'user') throw coreErrors.create.forbidden('This route needs the token of a user.');
  c.set('principal', principal);
  const { session_id: sessionId } = principal.claims;
  return { userId: principal.id, sessionId: typeof sessionId === 'string' ? sessionId : undefined };
}

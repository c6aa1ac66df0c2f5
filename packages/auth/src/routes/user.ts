import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import {
  bearerSecurity,
  bearerToken,
  coreErrors,
  errorAnswer,
  type IsOperator,
  jsonAnswer,
  type ReactorEnv,
  type Services,
  setPrincipal,
} from '@reactor/core';
import type { Context } from 'hono';
import { authErrors } from '../errors.js';
import type { AuthService } from '../service.js';
import { readBody } from './body.js';
import { toUserBody, userSchema } from './schemas.js';

const getUser = createRoute({
  method: 'get',
  path: '/user',
  summary: 'The signed-in user',
  security: bearerSecurity,
  responses: {
    200: jsonAnswer('The user of the access or session token.', userSchema),
    401: errorAnswer('unauthorized', 'invalid_token'),
    403: errorAnswer('user_disabled', 'forbidden'),
    404: errorAnswer('user_not_found'),
  },
});

const logout = createRoute({
  method: 'post',
  path: '/logout',
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
    400: errorAnswer('invalid_request'),
    401: errorAnswer('unauthorized', 'invalid_token'),
    403: errorAnswer('forbidden'),
  },
});

/** Who a bearer token names: by an access token (JWT) or a session token. */
interface Bearer {
  readonly userId: string;
  readonly sessionId: string | undefined;
}

/** `GET /user` and `POST /logout`. */
export function addUserRoutes(
  routes: OpenAPIHono<ReactorEnv>,
  services: Services<AuthService>,
  isOperator: IsOperator,
): void {
  const readBearer = (c: Context<ReactorEnv>): Promise<Bearer> => {
    if (c.req.header('Authorization') === undefined) {
      throw coreErrors.create.unauthorized('This route needs a bearer token.', {
        headers: { 'WWW-Authenticate': 'Bearer' },
      });
    }
    if (isOperator(c)) {
      throw coreErrors.create.forbidden('The admin token belongs to no user; this route needs the token of a user.');
    }
    return bearerOf(c, services.of(c));
  };
  routes.openapi(getUser, async (c) => {
    const { userId } = await readBearer(c);
    const user = await services.of(c).store.findUser(userId);
    if (user === undefined) throw authErrors.create.user_not_found('This user was deleted.');
    if (user.disabled) throw authErrors.create.user_disabled('This account is disabled.');
    return c.json(toUserBody(user), 200);
  });
  routes.openapi(logout, async (c) => {
    const { sessions } = services.of(c);
    const { refresh_token: refreshToken } = (await readBody(c, logoutSchema)) ?? {};
    if (refreshToken !== undefined) {
      // Enough by itself: its holder could only use the session. The bearer some clients send along may be any.
      await sessions.end({ token: refreshToken });
    } else {
      const { sessionId } = await readBearer(c);
      if (sessionId !== undefined) await sessions.end({ id: sessionId });
    }
    return c.body(null, 204);
  });
}

const logoutSchema = z.object({ refresh_token: z.string('must be a string').optional() });

async function bearerOf(c: Context<ReactorEnv>, { sessions, tokens }: AuthService): Promise<Bearer> {
  const token = bearerToken(c) ?? '';
  // Only an access token has dots.
  if (!token.includes('.')) {
    const session = await sessions.find(token);
    if (session !== undefined) {
      // Whose request it is, for the access line.
      setPrincipal(c, { kind: 'user', id: session.userId, claims: {} });
      return { userId: session.userId, sessionId: session.id };
    }
    throw coreErrors.create.invalid_token('The bearer token is unknown or its session is over.', {
      headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' },
    });
  }
  const principal = await tokens.verify(token, c);
  if (principal.kind !== 'user') throw coreErrors.create.forbidden('This route needs the token of a user.');
  setPrincipal(c, principal);
  const { session_id: sessionId } = principal.claims;
  return { userId: principal.id, sessionId: typeof sessionId === 'string' ? sessionId : undefined };
}

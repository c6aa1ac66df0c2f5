import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import type { ReactorEnv } from '@reactor/core';
import type { Sessions } from '../sessions.js';
import { requireBody } from './body.js';
import { clientOf } from './client.js';
import { type IsOperator, isFromOperator } from './operator.js';
import { failures, json, signedInSchema, signUpSchema, toSignedIn } from './schemas.js';

const signUp = createRoute({
  method: 'post',
  path: '/signup',
  tags: ['auth'],
  summary: 'Create an account and sign in; where sign-up is closed, with the admin token',
  middleware: requireBody,
  request: { body: { required: true, content: { 'application/json': { schema: signUpSchema } } } },
  responses: {
    201: json(signedInSchema, 'The account exists and is signed in.'),
    ...failures({
      400: 'weak_password, invalid_request',
      403: 'signup_disabled',
      409: 'email_exists',
      429: 'too_many_requests',
    }),
  },
});

/** `POST /signup`. */
export function addSignUpRoute(
  routes: OpenAPIHono<ReactorEnv>,
  sessions: Sessions,
  isOperator: IsOperator | undefined,
): void {
  routes.openapi(signUp, async (c) => {
    const { email, password, metadata, name = nameFrom(email) } = c.req.valid('json');
    const byOperator = isFromOperator(c, isOperator);
    const issued = await sessions.signUp({ email, password, name, metadata }, { ...clientOf(c), byOperator });
    return c.json(toSignedIn(issued), 201);
  });
}

/** better-auth wants a name; the clients of this route send none. */
function nameFrom(email: string): string {
  return email.split('@', 1)[0] ?? email;
}

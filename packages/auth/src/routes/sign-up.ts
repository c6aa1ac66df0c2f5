import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { errorAnswer, type IsOperator, jsonAnswer, type ReactorEnv, type Services } from '@reactor/core';
import type { AuthService } from '../service.js';
import { requireBody } from './body.js';
import { clientOf } from './client.js';
import { signedInSchema, signUpSchema, toSignedIn } from './schemas.js';

const signUp = createRoute({
  method: 'post',
  path: '/signup',
  summary: 'Create an account and sign in; where sign-up is closed, with the admin token',
  middleware: requireBody,
  request: { body: { required: true, content: { 'application/json': { schema: signUpSchema } } } },
  responses: {
    201: jsonAnswer('The account exists and is signed in.', signedInSchema),
    400: errorAnswer('weak_password', 'invalid_request'),
    403: errorAnswer('signup_disabled'),
    409: errorAnswer('email_exists'),
    429: errorAnswer('too_many_requests'),
  },
});

/** `POST /signup`. */
export function addSignUpRoute(
  routes: OpenAPIHono<ReactorEnv>,
  services: Services<AuthService>,
  isOperator: IsOperator,
): void {
  routes.openapi(signUp, async (c) => {
    const { email, password, metadata, name = nameFrom(email) } = c.req.valid('json');
    const { sessions } = services.of(c);
    const client = { ...clientOf(c), byOperator: isOperator(c) };
    const issued = await sessions.signUp({ email, password, name, metadata }, client);
    return c.json(toSignedIn(issued), 201);
  });
}

/** better-auth wants a name; the clients of this route send none. */
function nameFrom(email: string): string {
  return email.split('@', 1)[0] ?? email;
}

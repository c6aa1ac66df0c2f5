import { z } from '@hono/zod-openapi';
import type { IssuedSession } from '../sessions.js';
import type { StoredUser } from '../store.js';

/** RFC 5321 §4.5.3.1.3, less the angle brackets. */
const email = z.email('must be an e-mail address').max(254, 'must have at most 254 characters');

export const credentialsSchema = z.object({ email, password: z.string('must be a string') });

export const signUpSchema = z
  .object({
    email,
    password: z.string('must be a string').openapi({ description: '8 to 128 characters.' }),
    name: z.string().min(1).max(200).optional().openapi({ description: 'Default: the e-mail address up to the @.' }),
    metadata: z.record(z.string(), z.unknown()).default({}),
  })
  .openapi('SignUp');

export const userSchema = z
  .object({
    id: z.uuid(),
    email: z.string(),
    email_verified: z.boolean(),
    metadata: z.record(z.string(), z.unknown()),
    created_at: z.iso.datetime(),
  })
  .openapi('User');

const sessionFields = {
  access_token: z.string().openapi({ description: 'JWT for every capability.' }),
  refresh_token: z.string().openapi({ description: 'Token of the session; stays the same on refresh.' }),
  expires_at: z.iso.datetime().openapi({ description: 'When the access token expires.' }),
};

/** Flat for OAuth clients, and nested for those that look for `session`. */
export const signedInSchema = z
  .object({
    user: userSchema,
    session: z.object(sessionFields),
    ...sessionFields,
    token_type: z.literal('Bearer'),
    expires_in: z.int().openapi({ description: 'Seconds until the access token expires.' }),
  })
  .openapi('SignedIn');

export type UserBody = z.infer<typeof userSchema>;
export type SignedIn = z.infer<typeof signedInSchema>;

export function toUserBody(user: StoredUser): UserBody {
  return {
    id: user.id,
    email: user.email,
    email_verified: user.emailVerified,
    metadata: { ...user.metadata },
    created_at: user.createdAt.toISOString(),
  };
}

export function toSignedIn(issued: IssuedSession): SignedIn {
  const session = {
    access_token: issued.accessToken,
    refresh_token: issued.refreshToken,
    expires_at: issued.expiresAt.toISOString(),
  };
  return {
    user: toUserBody(issued.user),
    session,
    ...session,
    token_type: 'Bearer',
    expires_in: issued.expiresInSeconds,
  };
}

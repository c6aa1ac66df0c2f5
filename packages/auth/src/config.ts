import { defineSection } from '@reactor/core';
import { z } from 'zod';

/** What `createAuth` needs to know. */
export interface AuthConfig {
  /** Signs session cookies and encrypts the signing keys at rest. At least 32 characters; the same on every server. */
  readonly secret: string;
  /** Where callers reach the server, e.g. `https://app.example.com`. Absent: the address each request was sent to. */
  readonly publicUrl?: string;
  /** Whether anyone may create an account. */
  readonly allowSignup: boolean;
  /** The `iss` claim. */
  readonly jwtIssuer: string;
  /** The `aud` claim. */
  readonly jwtAudience: string;
  /** Lifetime of an access token (JWT), seconds. */
  readonly accessTtlSeconds: number;
  /** Lifetime of a session and its refresh token since the last extension, seconds. */
  readonly refreshTtlSeconds: number;
}

const DAY_SECONDS = 86_400;

const schema = z.strictObject({
  secret: z
    .string('must be a string of at least 32 characters')
    .min(32, 'must have at least 32 characters')
    .meta({ secret: true })
    .describe('Signs session cookies and encrypts the signing keys at rest.'),
  public_url: z
    .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })
    .optional()
    .describe(
      'Where callers reach the server, e.g. `https://app.example.com`; with https, browsers are told to keep to it.',
    ),
  allow_signup: z.boolean('must be true or false').default(false).describe('Whether anyone may create an account.'),
  jwt_issuer: z.string().min(1).max(256).default('reactor-auth').describe('The `iss` claim of access tokens.'),
  jwt_audience: z.string().min(1).max(256).default('reactor').describe('The `aud` claim of access tokens.'),
  // Longer than a day and a leaked access token outlives every reaction to the leak: it cannot be revoked.
  access_ttl_secs: z
    .int()
    .min(10)
    .max(DAY_SECONDS)
    .default(3_600)
    .describe('Lifetime of an access token; it cannot be revoked.'),
  refresh_ttl_secs: z
    .int()
    .min(60)
    .max(400 * DAY_SECONDS)
    .default(30 * DAY_SECONDS)
    .describe('Lifetime of a session and its refresh token.'),
});

/** The `[auth]` section of Reactor.toml. */
export const authSection = defineSection({
  name: 'auth',
  schema,
  generatedSecrets: ['secret'],
  devDefaults: { allow_signup: true },
  toConfig: ({ secret, public_url, ...values }): AuthConfig => ({
    secret,
    ...(public_url === undefined ? {} : { publicUrl: public_url }),
    allowSignup: values.allow_signup,
    jwtIssuer: values.jwt_issuer,
    jwtAudience: values.jwt_audience,
    accessTtlSeconds: values.access_ttl_secs,
    refreshTtlSeconds: values.refresh_ttl_secs,
  }),
});

/**
 * Reads the `[auth]` section of Reactor.toml.
 * @throws ConfigError naming every bad key by its path (`auth.secret`) and what is accepted there
 */
export const parseAuthConfig = authSection.parse;

/** Whether only this machine reaches `hostname`, as `URL.hostname` writes it. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost') || /^127(\.\d+){3}$|^\[::1\]$/.test(hostname);
}

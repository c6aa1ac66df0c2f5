import { expect, test } from 'vitest';
import { parseAuthConfig } from './config.js';

const secret = 'x'.repeat(32);

test('fills in the defaults', () => {
  expect(parseAuthConfig({ secret })).toEqual({
    secret,
    allowSignup: false,
    jwtIssuer: 'reactor-auth',
    jwtAudience: 'reactor',
    accessTtlSeconds: 3_600,
    refreshTtlSeconds: 2_592_000,
  });
});

test('takes every key', () => {
  const section = {
    secret,
    public_url: 'https://app.example.com',
    allow_signup: true,
    jwt_issuer: 'acme',
    jwt_audience: 'acme-api',
    access_ttl_secs: 60,
    refresh_ttl_secs: 3_600,
  };
  expect(parseAuthConfig(section)).toEqual({
    secret,
    publicUrl: 'https://app.example.com',
    allowSignup: true,
    jwtIssuer: 'acme',
    jwtAudience: 'acme-api',
    accessTtlSeconds: 60,
    refreshTtlSeconds: 3_600,
  });
});

test.each([
  [undefined, 'auth.secret'],
  [{}, 'auth.secret'],
  [{ secret: 'x'.repeat(31) }, 'auth.secret'],
  [{ secret: 7 }, 'auth.secret'],
  [{ secret, public_url: 'app.example.com' }, 'auth.public_url'],
  [{ secret, public_url: 'ftp://app.example.com' }, 'auth.public_url'],
  [{ secret, allow_signup: 'yes' }, 'auth.allow_signup'],
  [{ secret, jwt_issuer: '' }, 'auth.jwt_issuer'],
  [{ secret, jwt_audience: 7 }, 'auth.jwt_audience'],
  [{ secret, access_ttl_secs: 9 }, 'auth.access_ttl_secs'],
  [{ secret, access_ttl_secs: 86_401 }, 'auth.access_ttl_secs'],
  [{ secret, refresh_ttl_secs: 59 }, 'auth.refresh_ttl_secs'],
  [{ secret, refresh_ttl_secs: 1.5 }, 'auth.refresh_ttl_secs'],
])('names the bad key of %j', (section, key) => {
  expect(() => parseAuthConfig(section)).toThrow(new RegExp(`^${key}: \\S`));
});

test('names an unknown key and the one that was meant, and never repeats the secret', () => {
  const parse = () => parseAuthConfig({ secret: 'too short', allow_singup: true });
  expect(parse).toThrow(/auth\.allow_singup: unknown key; did you mean auth\.allow_signup\?/);
  expect(parse).toThrow(/auth\.secret: must have at least 32 characters/);
  expect(parse).not.toThrow(/too short/);
});

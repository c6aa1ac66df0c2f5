import { coreErrors, defineErrors, EXIT, ReactorError, type StartError, toReactorError } from '@reactor/core';

/** Codes that only auth answers; those of `coreErrors` come besides. */
export const authErrors = defineErrors({
  weak_password: { status: 400, when: 'The new password has fewer than 8 or more than 128 characters.' },
  invalid_credentials: { status: 401, when: 'No account has this e-mail address and password.' },
  invalid_refresh_token: { status: 401, when: 'The refresh token is unknown or expired, or its session was ended.' },
  signup_disabled: {
    status: 403,
    when: 'An account was to be created without the admin token while `auth.allow_signup` is false.',
  },
  user_disabled: { status: 403, when: 'The account exists and was disabled by an operator.' },
  untrusted_origin: {
    status: 403,
    when: 'A request with cookies came from a page of another origin than the server or `auth.public_url`.',
  },
  user_not_found: { status: 404, when: 'The token is valid and its user was deleted since.' },
  email_exists: { status: 409, when: 'An account with this e-mail address exists.' },
  conflict: { status: 409, when: 'Another request wrote the same thing first.' },
});

/**
 * The stored signing keys cannot be decrypted. `start` rejects with it: a server that went on would sign with keys of its
 * own, and every token issued so far would be worth nothing.
 */
export class AuthKeysUnusableError extends Error implements StartError {
  override readonly name = 'AuthKeysUnusableError';
  readonly exitCode = EXIT.keysUnusable;

  constructor(
    message: string,
    /** What is wrong: the configured secret, or the stored key. */
    readonly reason: 'secret' | 'key',
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * SQLSTATE classes of a database that cannot do the work now, and may soon: connection (08), serialization or deadlock
 * (40), disk, memory or connections used up (53), operator intervention (57), the system below it (58); and a lock
 * that was not to be had. https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const UNAVAILABLE = /^(?:08|40|53|57|58)...$|^55P03$/;

/**
 * What the caller may know of an error of PostgreSQL. Values it cannot store (class 22: a byte zero, a malformed uuid;
 * class 54: longer than an index entry) and rows it refuses (class 23) are the caller's doing.
 */
export function fromDatabaseError(error: unknown): ReactorError {
  if (error instanceof ReactorError) return error;
  const { code, constraint } = (error ?? {}) as { code?: unknown; constraint?: unknown };
  const cause = { cause: error };
  if (typeof code !== 'string') return toReactorError(error);
  if (code === '23505') {
    return constraint === 'users_email_key'
      ? authErrors.create.email_exists('An account with this e-mail address exists.', cause)
      : authErrors.create.conflict('Another request wrote the same thing first.', cause);
  }
  if (code === '23503') {
    return coreErrors.create.invalid_request('The request refers to something that does not exist.', cause);
  }
  if (code === '23514' || code.startsWith('22') || code.startsWith('54')) {
    return coreErrors.create.invalid_request('The request has a value that cannot be stored.', cause);
  }
  if (UNAVAILABLE.test(code)) {
    return coreErrors.create.database_unavailable('The database cannot do this now; try again.', {
      ...cause,
      headers: { 'Retry-After': '1' },
    });
  }
  return toReactorError(error);
}

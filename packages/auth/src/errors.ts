import {
  defineErrors,
  EXIT,
  isSqlError,
  type ReactorError,
  SQLSTATE,
  type StartError,
  toReactorError,
} from '@reactor/core';

/** Codes that only auth answers, in addition to those of `coreErrors`. */
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
});

/**
 * The stored signing keys cannot be decrypted. `start` rejects with it: a server that went on would sign with keys of its
 * own, and every token issued so far would be useless.
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

/** Any error as the caller may see it. Auth explains what makes an account unique, core all other errors of the database. */
export function fromDatabaseError(error: unknown): ReactorError {
  if (isSqlError(error) && error.code === SQLSTATE.uniqueViolation && error.constraint === 'users_email_key') {
    return authErrors.create.email_exists('An account with this e-mail address exists.', { cause: error });
  }
  return toReactorError(error);
}

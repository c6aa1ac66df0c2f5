import { defineErrors } from '@reactor/core';

/** Codes that only auth answers; those of `coreErrors` come besides. */
export const authErrors = defineErrors({
  weak_password: { status: 400, when: 'The new password has fewer than 8 or more than 128 characters.' },
  invalid_credentials: { status: 401, when: 'No account has this e-mail address and password.' },
  invalid_refresh_token: { status: 401, when: 'The refresh token is unknown, expired, or its session was ended.' },
  signup_disabled: { status: 403, when: 'An account was to be created while `auth.allow_signup` is false.' },
  user_disabled: { status: 403, when: 'The account is known but was disabled by an operator.' },
  user_not_found: { status: 404, when: 'The token is valid but its user was deleted.' },
  email_exists: { status: 409, when: 'An account with this e-mail address exists.' },
});

/**
 * The stored signing keys cannot be decrypted with the configured secret. `start` rejects with it; a server should exit
 * rather than make a second key set that nobody's tokens verify against.
 */
export class AuthKeysUnusableError extends Error {
  override readonly name = 'AuthKeysUnusableError';
}

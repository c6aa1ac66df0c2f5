import { coreErrors, type ErrorFactory, ReactorError } from '@reactor/core';
import { authErrors } from './errors.js';

/** How better-auth says what went wrong, thrown or as a response body. */
export interface ProviderError {
  readonly status: number;
  readonly code?: string | undefined;
  readonly message?: string | undefined;
}

/** better-auth's codes that have a Reactor code of their own, whatever status better-auth gives them. */
const BY_CODE: Readonly<Record<string, ErrorFactory>> = {
  INVALID_EMAIL_OR_PASSWORD: authErrors.create.invalid_credentials,
  USER_ALREADY_EXISTS: authErrors.create.email_exists,
  USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL: authErrors.create.email_exists,
  PASSWORD_TOO_SHORT: authErrors.create.weak_password,
  PASSWORD_TOO_LONG: authErrors.create.weak_password,
  EMAIL_PASSWORD_SIGN_UP_DISABLED: authErrors.create.signup_disabled,
  USER_DISABLED: authErrors.create.user_disabled,
  INVALID_ORIGIN: authErrors.create.untrusted_origin,
  MISSING_OR_NULL_ORIGIN: authErrors.create.untrusted_origin,
  CROSS_SITE_NAVIGATION_LOGIN_BLOCKED: authErrors.create.untrusted_origin,
  INVALID_EMAIL: coreErrors.create.invalid_request,
  VALIDATION_ERROR: coreErrors.create.invalid_request,
  BAD_REQUEST: coreErrors.create.invalid_request,
};

const BY_STATUS: Readonly<Record<number, ErrorFactory>> = {
  400: coreErrors.create.invalid_request,
  401: coreErrors.create.unauthorized,
  403: coreErrors.create.forbidden,
  404: coreErrors.create.not_found,
  405: coreErrors.create.method_not_allowed,
  413: coreErrors.create.payload_too_large,
  415: coreErrors.create.unsupported_media_type,
  429: coreErrors.create.too_many_requests,
};

const CODE = /^[A-Z][A-Z0-9_]{2,99}$/;

/**
 * A better-auth error as one of ours. A code without a counterpart keeps its status and is answered in lower case
 * (`YOU_ARE_NOT_A_MEMBER_OF_THIS_ORGANIZATION` → `you_are_not_a_member_of_this_organization`).
 */
export function fromProviderError({ status, code, message }: ProviderError, cause?: unknown): ReactorError {
  const options = cause === undefined ? {} : { cause };
  if (status < 400 || status > 499) {
    return coreErrors.create.internal_error('The server failed to answer this request.', options);
  }
  const text = message === undefined || message === '' ? 'The request was refused.' : message;
  const known = (code === undefined ? undefined : BY_CODE[code]) ?? undefined;
  if (known !== undefined) return known(text, options);
  const byStatus = BY_STATUS[status];
  const generic = code === undefined || !CODE.test(code) || code.toLowerCase() === byStatus?.('').code;
  if (generic) return (byStatus ?? coreErrors.create.invalid_request)(text, options);
  return new ReactorError(code.toLowerCase(), status as ReactorError['status'], text, options);
}

/** Whether `error` is better-auth's APIError; told by name, as several copies of the class may be loaded. */
export function asProviderError(error: unknown): ProviderError | undefined {
  if (!(error instanceof Error) || error.name !== 'APIError') return undefined;
  const { statusCode, body } = error as { statusCode?: unknown; body?: { code?: unknown; message?: unknown } };
  return {
    status: typeof statusCode === 'number' ? statusCode : 500,
    code: typeof body?.code === 'string' ? body.code : undefined,
    message: typeof body?.message === 'string' ? body.message : undefined,
  };
}

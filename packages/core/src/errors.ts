import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { ExitCode } from './exit-codes.js';

export interface ErrorCode {
  readonly status: ContentfulStatusCode;
  /** When it is answered, as a sentence for `docs/reference/errors.md`. */
  readonly when: string;
  /** The exit code of the process when a start fails because of it. Default: that of the step that failed. */
  readonly exitCode?: ExitCode;
}

export interface ReactorErrorOptions {
  /** For the log; never leaves the process. */
  readonly cause?: unknown;
  /** For the caller: what was wrong and what is accepted. */
  readonly details?: unknown;
  /** Response headers, e.g. `Retry-After`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly exitCode?: ExitCode | undefined;
}

/** The body of every error answer: `{"error": …}`. */
export interface ErrorEnvelope {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly status: number;
    readonly request_id?: string;
    readonly details?: unknown;
  };
}

/** An error whose message is for the caller. Hono's own error handler can render it, through `getResponse`. */
export class ReactorError extends Error {
  override readonly name = 'ReactorError';
  readonly code: string;
  readonly status: ContentfulStatusCode;
  readonly details: unknown;
  readonly headers: Readonly<Record<string, string>>;
  /** See `exitCodeOf`. */
  readonly exitCode: ExitCode | undefined;

  /** @param code snake_case, declared with `defineErrors` */
  constructor(code: string, status: ContentfulStatusCode, message: string, options: ReactorErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = status;
    this.details = options.details;
    this.headers = options.headers ?? {};
    this.exitCode = options.exitCode;
  }

  toEnvelope(requestId?: string): ErrorEnvelope {
    const { code, message, status, details } = this;
    return {
      error: {
        code,
        message,
        status,
        ...(requestId === undefined ? {} : { request_id: requestId }),
        ...(details === undefined ? {} : { details }),
      },
    };
  }

  getResponse(requestId?: string): Response {
    return Response.json(this.toEnvelope(requestId), {
      status: this.status,
      headers: { 'Cache-Control': 'no-store', ...this.headers },
    });
  }
}

export type ErrorFactory = (message: string, options?: ReactorErrorOptions) => ReactorError;

export interface ErrorCatalogue<Codes extends Record<string, ErrorCode>> {
  /** For the generated reference. */
  readonly codes: Codes;
  /** One constructor per code: `throw storageErrors.create.bucket_not_found('…')`. */
  readonly create: { readonly [Code in keyof Codes]: ErrorFactory };
}

/** Declares error codes once: their status, when they occur, and a constructor for each. */
export function defineErrors<const Codes extends Record<string, ErrorCode>>(codes: Codes): ErrorCatalogue<Codes> {
  const create = Object.fromEntries(
    Object.entries(codes).map(([code, { status, exitCode }]): [string, ErrorFactory] => [
      code,
      (message, options) => new ReactorError(code, status, message, { exitCode, ...options }),
    ]),
  );
  return { codes, create: create as ErrorCatalogue<Codes>['create'] };
}

/** Codes that every capability may answer. */
export const coreErrors = defineErrors({
  invalid_request: {
    status: 400,
    when: 'A parameter, header or body does not have the accepted form; `details` lists each place.',
  },
  unauthorized: { status: 401, when: 'The route needs a bearer token and none was sent.' },
  invalid_token: { status: 401, when: 'The bearer token is unknown, malformed, expired or revoked.' },
  forbidden: { status: 403, when: 'The caller is known but may not do this.' },
  not_found: { status: 404, when: 'No route or resource has this path.' },
  method_not_allowed: { status: 405, when: 'The path exists, but not with this method; `Allow` lists those it has.' },
  request_timeout: { status: 408, when: 'The request body made no progress within `server.request_timeout_secs`.' },
  response_timeout: { status: 504, when: 'The server had no answer within `server.request_timeout_secs`.' },
  payload_too_large: { status: 413, when: 'The body is larger than the limit named in the message.' },
  unsupported_media_type: { status: 415, when: 'The body is not of a type that the route reads.' },
  headers_too_large: { status: 431, when: 'The request line and headers exceed `server.max_header_bytes`.' },
  expectation_failed: { status: 417, when: 'The `Expect` header asks for something other than `100-continue`.' },
  too_many_requests: { status: 429, when: 'A rate limit was reached; `Retry-After` says when to come back.' },
  internal_error: { status: 500, when: 'A fault of the server. The log has its stack under the request id.' },
  invalid_value: {
    status: 400,
    when: 'A value does not have the form or the size that the database accepts.',
  },
  constraint_violation: { status: 400, when: 'A row breaks a NOT NULL or CHECK constraint.' },
  conflict: { status: 409, when: 'A row breaks a unique, foreign key or exclusion constraint.' },
  write_conflict: {
    status: 503,
    when: 'A deadlock, or a serialization failure: the transaction met another one. The same request again may succeed.',
  },
  database_unavailable: {
    status: 503,
    when: 'No database connection within `database.acquire_timeout_secs`, or the database is down, or out of disk, memory or connections.',
  },
  lock_timeout: {
    status: 504,
    when: 'The request waited too long for a lock that another transaction holds. The same request again may succeed.',
  },
  statement_timeout: {
    status: 504,
    when: 'PostgreSQL did not finish a statement in time; of data, within `data.statement_timeout_ms`.',
  },
  not_ready: {
    status: 503,
    when: 'The server, or what this request is for, is starting or stopping; `Retry-After` says when to come back.',
  },
});

/**
 * What an operator should know of an error, in one line: the reason behind it when it is known, without what drivers hang
 * on their errors. May name hosts.
 */
export function reasonOf(error: unknown): string {
  if (error instanceof ReactorError && error.cause !== undefined) return reasonOf(error.cause);
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

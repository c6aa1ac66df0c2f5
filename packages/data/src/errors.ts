import {
  defineErrors,
  type ErrorEnvelope,
  EXIT,
  ReactorError,
  type ReactorErrorOptions,
  toReactorError,
} from '@reactor/core';
import { QueryError, type QueryErrorReason } from './query/query-error.js';

/** Codes that only data answers, beside those of core. */
export const dataErrors = defineErrors({
  invalid_query: {
    status: 400,
    when: 'The query string, or the Range or Prefer header, does not have the accepted form.',
  },
  invalid_body: { status: 400, when: 'The body is not an object or an array of objects, or not CSV or JSON at all.' },
  column_not_found: { status: 400, when: 'The request names a column that its table does not have.' },
  relationship_not_found: { status: 400, when: 'No foreign key connects the table with the one to embed.' },
  filter_required: {
    status: 400,
    when: 'PATCH or DELETE without a filter, and without `Prefer: handling=strict, max-affected=<n>`.',
  },
  statement_rejected: { status: 400, when: 'PostgreSQL refuses the statement, e.g. an operator that the type lacks.' },
  raised_by_function: { status: 400, when: 'A function or trigger of the app raised an error of its own.' },
  result_too_large: { status: 400, when: 'The answer would be longer than `data.max_result_bytes`.' },
  too_many_rows_affected: { status: 400, when: 'More rows would be changed than `max-affected` allows; none is.' },
  policy_denied: { status: 403, when: 'A row-level security policy refuses the row.' },
  permission_denied: { status: 403, when: "The caller's role lacks a privilege on the table, column or function." },
  row_security_off: {
    status: 403,
    when: 'The table has no row-level security, or the view is not a security invoker.',
  },
  table_not_found: { status: 404, when: 'The exposed schema has no such table or view.' },
  function_not_found: { status: 404, when: 'The exposed schema has no such function with these arguments.' },
  ambiguous_embed: { status: 300, when: 'Several foreign keys lead to the table to embed; `details` lists them.' },
  ambiguous_function: { status: 300, when: 'Several overloads of the function take these arguments.' },
  read_only: { status: 405, when: 'GET calls a function that writes; use POST.' },
  not_acceptable: { status: 406, when: '`Accept` names no media type that the route answers.' },
  schema_not_exposed: {
    status: 406,
    when: '`Accept-Profile` or `Content-Profile` names another schema than `public`.',
  },
  not_one_row: { status: 406, when: 'One object was asked for and the result has none or several rows.' },
  migration_failed: {
    status: 400,
    when: 'A migration cannot be read, or a statement of it is refused; nothing of its file is kept, unless it runs without a transaction.',
    exitCode: EXIT.migrationFailed,
  },
  migration_blocked: {
    status: 503,
    when: 'A migration got no lock in time; the message names the session that holds it. Trying again may help.',
    exitCode: EXIT.migrationFailed,
  },
  migration_changed: {
    status: 409,
    when: 'A migration differs from what was applied under its name.',
    exitCode: EXIT.migrationFailed,
  },
  migrations_unreadable: {
    status: 500,
    when: 'The folder `data.migrations_dir` cannot be read.',
    exitCode: EXIT.configuration,
  },
  roles_unfit: { status: 503, when: 'At start: the roles that requests run under are missing or unfit.' },
  range_not_satisfiable: { status: 416, when: 'The first row asked for lies past the last one.' },
  schema_unavailable: {
    status: 503,
    when: 'The database schema cannot be read, or changes while the request runs; trying again helps.',
  },
});

/** What PostgREST's clients read, beside the envelope. */
export interface PostgrestFields {
  /** SQLSTATE, or a PGRST code. */
  readonly code: string;
  readonly details?: unknown;
  readonly hint?: string | null | undefined;
}

/** An error of data: the envelope of Reactor with PostgREST's four members beside it. */
export class DataError extends ReactorError {
  readonly postgrest: PostgrestFields;

  constructor(reactor: ReactorError, postgrest: PostgrestFields) {
    const { code, status, message, details, headers, exitCode, cause } = reactor;
    super(code, status, message, { details, headers, exitCode, ...(cause === undefined ? {} : { cause }) });
    this.postgrest = postgrest;
  }

  override toEnvelope(requestId?: string): ErrorEnvelope {
    const { code, details = null, hint = null } = this.postgrest;
    const envelope: ErrorEnvelope & Record<string, unknown> = {
      ...super.toEnvelope(requestId),
      code,
      message: this.message,
      details: asText(details),
      hint,
    };
    return envelope;
  }
}

/** PostgREST's clients read details as text, but for the list of relationships to choose from. */
function asText(details: unknown): unknown {
  if (typeof details !== 'object' || details === null || Array.isArray(details)) return details;
  return Object.entries(details)
    .map(([name, value]) => `${name}: ${[value].flat().join(', ')}`)
    .join('; ');
}

type DataErrorCode = keyof typeof dataErrors.codes;

/** @param code of the table above; @param postgrest what PostgREST's clients read */
export function dataError(
  code: DataErrorCode,
  message: string,
  postgrest: PostgrestFields,
  options: ReactorErrorOptions = {},
): DataError {
  const details = postgrest.details ?? undefined;
  return new DataError(dataErrors.create[code](message, { details, ...options }), postgrest);
}

/** PostgREST's codes for errors that are not of data, by Reactor's. */
const POSTGREST_CODES: Readonly<Record<string, string>> = {
  unauthorized: 'PGRST302',
  invalid_token: 'PGRST301',
  database_unavailable: 'PGRST000',
  invalid_request: 'PGRST100',
  unsupported_media_type: 'PGRST102',
  payload_too_large: 'PGRST102',
  method_not_allowed: 'PGRST117',
};

/** Any error as this capability answers it. What is unknown becomes `internal_error`. */
export function toDataError(error: unknown): DataError {
  if (error instanceof DataError) return error;
  if (error instanceof QueryError) {
    const code: QueryErrorReason = error.reason;
    return dataError(code, error.message, { code: error.code, details: error.details, hint: error.hint });
  }
  const reactor = toReactorError(error);
  return new DataError(reactor, { code: POSTGREST_CODES[reactor.code] ?? 'PGRSTX00', details: reactor.details });
}

/** What callers are told of a schema that cannot be read: to try again. The reason is for the operator. */
export function schemaUnavailable(cause: unknown): ReactorError {
  return dataError(
    'schema_unavailable',
    'The database schema cannot be read now, or is being changed.',
    { code: 'PGRST002' },
    { cause, headers: { 'Retry-After': '1' } },
  );
}

/** Reactor's name for what was wrong with a request. */
export type QueryErrorReason =
  | 'invalid_query'
  | 'invalid_body'
  | 'column_not_found'
  | 'table_not_found'
  | 'function_not_found'
  | 'relationship_not_found'
  | 'ambiguous_embed'
  | 'ambiguous_function'
  | 'filter_required'
  | 'row_security_off';

export interface QueryErrorOptions {
  /** What a client program may want to know; JSON. */
  readonly details?: unknown;
  /** What to try instead. */
  readonly hint?: string;
}

const STATUS = {
  invalid_query: 400,
  invalid_body: 400,
  column_not_found: 400,
  table_not_found: 404,
  function_not_found: 404,
  relationship_not_found: 400,
  ambiguous_embed: 300,
  ambiguous_function: 300,
  filter_required: 400,
  row_security_off: 403,
} as const satisfies Record<QueryErrorReason, number>;

/** The one error that parsing and planning throw: the request asks for something that does not exist or make sense. */
export class QueryError extends Error {
  override readonly name = 'QueryError';
  readonly reason: QueryErrorReason;
  /** PostgREST's or PostgreSQL's code, which client libraries switch on: `PGRST100`, `42703`. */
  readonly code: string;
  /** HTTP status, 300 to 499. */
  readonly status: (typeof STATUS)[QueryErrorReason];
  readonly details: unknown;
  readonly hint: string | null;

  constructor(reason: QueryErrorReason, code: string, message: string, options: QueryErrorOptions = {}) {
    super(message);
    this.reason = reason;
    this.code = code;
    this.status = STATUS[reason];
    this.details = options.details ?? null;
    this.hint = options.hint ?? null;
  }
}

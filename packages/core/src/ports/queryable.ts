export interface QueryResult<Row> {
  readonly rows: Row[];
  /** Rows affected by a write; 0 where PostgreSQL reports none. */
  readonly rowCount: number;
}

/** The part of an AbortSignal that cancelling needs. */
export interface CancelSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

export interface QueryOptions {
  /**
   * When it aborts, PostgreSQL is asked to cancel what runs, and the call rejects with the signal's reason once it has
   * answered or a second has passed. The connection is closed then, not reused.
   */
  readonly signal?: CancelSignal | undefined;
}

export interface StatementOptions extends QueryOptions {
  /**
   * Keeps the statement prepared on its connection under this key, of which the text never changes: for what each request
   * asks, and with parameters. The text names the columns that it answers, so that a new one does not break the statement.
   */
  readonly prepareAs?: string;
}

export interface Queryable {
  /** @param values parameters `$1…$n`; never put into the text */
  query<Row = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
    options?: StatementOptions,
  ): Promise<QueryResult<Row>>;
}

/** Why something failed, for one line of the log. */
export interface Reason {
  /** The message of the cause, or its own where there is none. */
  readonly reason: string;
  /** errno (`ENOENT`), SQLSTATE (`57P01`), or another code that the cause carries. */
  readonly cause_code?: string;
}

/** @param error its direct cause is what speaks; several at once (each address of a host) speak one after another */
export function reasonOf(error: Error): Reason {
  const cause = error.cause ?? error;
  const parts = cause instanceof AggregateError && cause.errors.length > 0 ? cause.errors : [cause];
  const { code } = cause as { readonly code?: unknown };
  return {
    reason: parts.map((part: unknown) => (part instanceof Error ? part.message : String(part))).join('; '),
    ...(error.cause !== undefined && typeof code === 'string' ? { cause_code: code } : {}),
  };
}

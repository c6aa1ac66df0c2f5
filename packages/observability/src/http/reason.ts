import { reasonOf } from '@reactor/core';

/** Why something failed, for one line of the log. */
export interface Reason {
  /** The message of the cause, or its own where there is none. */
  readonly reason: string;
  /** errno (`ENOENT`), SQLSTATE (`57P01`), or another code that the cause carries. */
  readonly cause_code?: string;
}

/** @param error its cause is what speaks */
export function reasonFields(error: Error): Reason {
  const { code } = (error.cause ?? {}) as { readonly code?: unknown };
  return { reason: reasonOf(error), ...(typeof code === 'string' ? { cause_code: code } : {}) };
}

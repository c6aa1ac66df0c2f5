import { coreErrors, type ErrorFactory, type ReactorError } from '@reactor/core';
import { httpErrors } from './errors.js';

interface Mapping {
  readonly create: ErrorFactory;
  readonly message: string;
}

const refusedValue: Mapping = {
  create: coreErrors.create.invalid_request,
  message: 'A value in the request does not have the form that the database accepts.',
};
const refusedChange: Mapping = {
  create: httpErrors.create.conflict,
  message: 'The change conflicts with what is stored.',
};
const contention: Mapping = {
  create: httpErrors.create.busy,
  message: 'The database gave up on the request because of other work; try again.',
};
const unavailable: Mapping = {
  create: coreErrors.create.database_unavailable,
  message: 'The database is not available.',
};

/** By SQLSTATE, else by its class: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const MAPPINGS: Readonly<Record<string, Mapping>> = {
  '08': unavailable,
  '22': refusedValue,
  '23': refusedChange,
  '40': contention,
  '53': unavailable,
  '55P03': contention,
  '57014': contention,
  '57P01': unavailable,
  '57P02': unavailable,
  '57P03': unavailable,
};

const SQLSTATE = /^[0-9A-Z]{5}$/;

/**
 * An SQL error that no capability translated, as the nearest answer that is not the caller's riddle. Its text stays out:
 * it may quote stored values.
 * @returns undefined for what is no SQL error, or one that only a fault of ours explains
 */
export function fromSqlError(error: Error & { readonly code?: unknown; readonly severity?: unknown }) {
  const { code, severity } = error;
  // Node's own codes (EPIPE) look like a SQLSTATE; only PostgreSQL's errors have a severity.
  if (typeof code !== 'string' || typeof severity !== 'string' || !SQLSTATE.test(code)) return undefined;
  const mapping = MAPPINGS[code] ?? MAPPINGS[code.slice(0, 2)];
  return mapping?.create(mapping.message, { cause: error }) satisfies ReactorError | undefined;
}

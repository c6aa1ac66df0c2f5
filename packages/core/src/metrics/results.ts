import { ReactorError } from '../errors.js';

/**
 * Values of every label `result`. `rejected`: the caller's mistake, or not allowed (4xx). `aborted`: the client left, or
 * stopped sending. `failed`: ours.
 */
export const RESULTS = ['ok', 'rejected', 'aborted', 'failed'] as const;
export type Result = (typeof RESULTS)[number];

/** How work that threw `error` is counted, unless its client had left: that is `aborted`, whatever was thrown. */
export function resultOf(error: unknown): Exclude<Result, 'ok' | 'aborted'> {
  return error instanceof ReactorError && error.status < 500 ? 'rejected' : 'failed';
}

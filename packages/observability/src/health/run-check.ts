import { DeadlineExceeded, type HealthCheck, type HealthResult, withDeadline } from '@reactor/core';

/** Milliseconds. The whole answer stays under 1 s whatever a check claims for itself. */
const MAX_TIMEOUT_MS = 800;

/** A result, and for the log what a reason for the public leaves out. */
export interface CheckOutcome {
  readonly result: HealthResult;
  readonly error?: unknown;
}

/** Runs one check within its timeout. Whatever it does is a result: this never rejects. */
export async function runCheck(check: HealthCheck): Promise<CheckOutcome> {
  try {
    const timeoutMs = Math.min(check.timeoutMs, MAX_TIMEOUT_MS);
    const answer: unknown = await withDeadline(timeoutMs, (signal) => check.check(signal));
    if (isHealthResult(answer)) return { result: answer };
    return failed('The check gave no valid answer.', new TypeError('the health check answered something else'));
  } catch (error) {
    const hung = error instanceof DeadlineExceeded;
    return failed(hung ? 'The check did not answer in time.' : 'The check failed.', error);
  }
}

function failed(reason: string, error: unknown): CheckOutcome {
  return { result: { status: 'error', reason }, error };
}

function isHealthResult(answer: unknown): answer is HealthResult {
  if (typeof answer !== 'object' || answer === null) return false;
  const { status, reason } = answer as { readonly status?: unknown; readonly reason?: unknown };
  return status === 'ok' || (status === 'error' && typeof reason === 'string');
}

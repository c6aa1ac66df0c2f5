import { ReactorError, type Result, resultOf } from '@reactor/core';
import type { Operation, StorageMetrics } from '../metrics.js';

/** Counts the operation by how `work` ends. */
export async function observed<T>(metrics: StorageMetrics, operation: Operation, work: () => Promise<T>): Promise<T> {
  try {
    const answer = await work();
    metrics.operation(operation, 'ok');
    return answer;
  } catch (error) {
    metrics.operation(operation, endOf(error));
    throw error;
  }
}

/** The client of an upload that broke off has left. */
function endOf(error: unknown): Result {
  const brokeOff = error instanceof ReactorError && error.code === 'incomplete_body';
  return brokeOff ? 'aborted' : resultOf(error);
}

import { ReactorError } from '@reactor/core';
import type { Operation, OperationResult, StorageMetrics } from '../metrics.js';

/** Counts the operation by how `work` ends. */
export async function observed<T>(metrics: StorageMetrics, operation: Operation, work: () => Promise<T>): Promise<T> {
  try {
    const answer = await work();
    metrics.operation(operation, 'ok');
    return answer;
  } catch (error) {
    metrics.operation(operation, resultOf(error));
    throw error;
  }
}

/** How an operation that failed with `error` is counted. */
export function resultOf(error: unknown): OperationResult {
  if (!(error instanceof ReactorError) || error.status >= 500) return 'failed';
  return error.code === 'incomplete_body' ? 'aborted' : 'rejected';
}

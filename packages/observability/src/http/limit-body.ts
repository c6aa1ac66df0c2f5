import type { ReactorEnv } from '@reactor/core';
import type { MiddlewareHandler } from 'hono';

/** Middleware: refuses a request body of more than `maxSizeBytes` with `payload_too_large` (413). */
export function limitBody(_maxSizeBytes: number): MiddlewareHandler<ReactorEnv> {
  throw new Error('not built yet');
}

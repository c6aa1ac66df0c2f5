import type { ReactorEnv } from '@reactor/core';
import type { Hono, NotFoundHandler } from 'hono';

/** For `app.notFound`: `not_found` (404), or `method_not_allowed` (405) with `Allow` when `app` has the path. */
export function notFound(_app: Hono<ReactorEnv>): NotFoundHandler<ReactorEnv> {
  throw new Error('not built yet');
}

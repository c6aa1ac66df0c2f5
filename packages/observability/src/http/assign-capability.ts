import type { Capability, ReactorEnv } from '@reactor/core';
import type { MiddlewareHandler } from 'hono';

/** Middleware before `instrumentHttp`: sets `capability` by the mount point of the path, `server` for the rest. */
export function assignCapability(
  _mounts: readonly Pick<Capability, 'name' | 'basePath'>[],
): MiddlewareHandler<ReactorEnv> {
  throw new Error('not built yet');
}

import type { Capability, ReactorEnv } from '@reactor/core';
import type { MiddlewareHandler } from 'hono';

/**
 * Middleware between `requestContext` and `instrumentHttp`: sets `capability` by the mount point of the path, `server`
 * for every other path. It looks at the path alone, so requests that match no route below a mount point count for it too.
 */
export function assignCapability(
  mounts: readonly Pick<Capability, 'name' | 'basePath'>[],
): MiddlewareHandler<ReactorEnv> {
  const prefixes = mounts.map(({ name, basePath }) => ({ name, basePath, prefix: `${basePath}/` }));
  return async (c, next) => {
    const { path } = c.req;
    const mount = prefixes.find(({ basePath, prefix }) => path.startsWith(prefix) || path === basePath);
    c.set('capability', mount?.name ?? 'server');
    await next();
  };
}

import { type Capability, type CapabilityName, type ReactorEnv, SERVER_LABEL } from '@reactor/core';
import type { MiddlewareHandler } from 'hono';

/**
 * Middleware between `requestContext` and `instrumentHttp`: sets `capability` by the mount point of the path. It looks at
 * the path alone, so requests that match no route below a mount point count for it too.
 * @param otherwise for every other path
 */
export function assignCapability(
  mounts: readonly Pick<Capability, 'name' | 'basePath'>[],
  otherwise: CapabilityName = SERVER_LABEL,
): MiddlewareHandler<ReactorEnv> {
  const prefixes = mounts.map(({ name, basePath }) => ({ name, basePath, prefix: `${basePath}/` }));
  return async (c, next) => {
    const { path } = c.req;
    const mount = prefixes.find(({ basePath, prefix }) => path.startsWith(prefix) || path === basePath);
    c.set('capability', mount?.name ?? otherwise);
    await next();
  };
}

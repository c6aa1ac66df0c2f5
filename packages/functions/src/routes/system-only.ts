import { type ReactorEnv, requireSystem } from '@reactor/core';
import type { MiddlewareHandler } from 'hono';

/** Before the input is looked at: a caller who may not call learns nothing about what is accepted. */
export const systemOnly: MiddlewareHandler<ReactorEnv> = async (c, next) => {
  requireSystem(c);
  await next();
};

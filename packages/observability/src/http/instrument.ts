import type { CapabilityContext, MetricsContributor, ReactorEnv } from '@reactor/core';
import type { MiddlewareHandler } from 'hono';

/** Rate, errors, duration and saturation of every request, measured from outside. */
export interface HttpInstrumentation {
  /** Goes after `requestContext` and `assignCapability`, before everything else. */
  readonly middleware: MiddlewareHandler<ReactorEnv>;
  readonly metrics: MetricsContributor;
}

export function instrumentHttp(_context: CapabilityContext): HttpInstrumentation {
  throw new Error('not built yet');
}

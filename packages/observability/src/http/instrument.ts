import {
  type CapabilityContext,
  type CapabilityName,
  type Logger,
  type MetricsContributor,
  type ReactorEnv,
  SERVER_LABEL,
} from '@reactor/core';
import type { Context, MiddlewareHandler } from 'hono';
import { httpFamilies } from './http-families.js';
import { nodeBindings } from './node-bindings.js';
import { routeLabel } from './route-label.js';

/** Rate, errors, duration and saturation of every request, measured from outside. */
export interface HttpInstrumentation {
  /** Goes after `requestContext` and `assignCapability`, before everything else. */
  readonly middleware: MiddlewareHandler<ReactorEnv>;
  /** Counts and logs what was answered before it became a request: no middleware sees it. */
  refused(refusal: { readonly status: number; readonly code: string; readonly requestId: string }): void;
  readonly metrics: MetricsContributor;
}

/** nginx's code for a client that left before the answer began; it never goes over the wire. */
const CLIENT_CLOSED_REQUEST = 499;

interface Outcome {
  readonly status: number;
  readonly durationMs: number;
  /** The client left before it had the whole response. */
  readonly aborted: boolean;
}

/**
 * Counts, times and logs each request once: under Node when the response has been handed to the socket or the socket has
 * closed, so a streamed body counts as long as it flows; elsewhere when the response object is there.
 * @param context its logger writes the access lines, each under the target of the request's capability
 * @param capabilities those that are mounted; `server` is added
 */
export function instrumentHttp(
  { clock, logger }: CapabilityContext,
  capabilities: readonly CapabilityName[],
): HttpInstrumentation {
  const labels = [...capabilities, SERVER_LABEL];
  const families = httpFamilies(labels);
  const accessLogs = new Map<CapabilityName, Logger>(
    labels.map((capability) => [capability, logger.target(`reactor_${capability}`)]),
  );

  function finish(c: Context<ReactorEnv>, { status, durationMs, aborted }: Outcome): void {
    const capability = c.get('capability') ?? SERVER_LABEL;
    const { method, path } = c.req;
    families.requests(capability, method, status).inc();
    families.duration(capability, routeLabel(c)).observe(durationMs / 1000);

    const accessLog = accessLogs.get(capability) as Logger;
    if (!accessLog.isEnabled('info')) return;
    const principal = c.get('principal');
    const traceId = c.get('traceId');
    const code = c.get('errorCode');
    accessLog.info('request completed', {
      method,
      path,
      status,
      duration_ms: Math.round(durationMs * 1000) / 1000,
      ...(code === undefined ? undefined : { code }),
      request_id: c.get('requestId'),
      ...(principal?.kind === 'user' ? { sub: principal.id } : undefined),
      ...(traceId === undefined ? undefined : { trace_id: traceId }),
      ...(aborted ? { aborted } : undefined),
    });
  }

  const middleware: MiddlewareHandler<ReactorEnv> = async (c, next) => {
    const start = clock.monotonic();
    const inFlight = families.inFlight(c.get('capability') ?? SERVER_LABEL);
    inFlight.inc();
    const { outgoing } = nodeBindings(c);
    if (outgoing === undefined) {
      let status = 500;
      try {
        await next();
        status = c.res.status;
      } finally {
        inFlight.dec();
        finish(c, { status, durationMs: clock.monotonic() - start, aborted: false });
      }
      return;
    }
    let closed = false;
    let handled = false;
    outgoing.once('close', () => {
      closed = true;
      if (handled) inFlight.dec();
      const status = outgoing.headersSent ? outgoing.statusCode : CLIENT_CLOSED_REQUEST;
      finish(c, { status, durationMs: clock.monotonic() - start, aborted: !outgoing.writableFinished });
    });
    try {
      await next();
    } finally {
      handled = true;
      // A handler that works on after its client has left is still load.
      if (closed) inFlight.dec();
    }
  };
  return {
    middleware,
    refused({ status, code, requestId }) {
      families.requests(SERVER_LABEL, '_OTHER', status).inc();
      logger.info('request refused', { status, code, request_id: requestId });
    },
    metrics: families.metrics,
  };
}

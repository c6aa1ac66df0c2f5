import type { ServerResponse } from 'node:http';
import {
  type Capability,
  type CapabilityContext,
  type CapabilityName,
  type MetricsContributor,
  type ReactorEnv,
  requestIdFrom,
  SERVER_LABEL,
  toReactorError,
} from '@reactor/core';
import type { Hono } from 'hono';
import { type AccessLog, createAccessLog } from '../logs/index.js';
import { type AnswerHeaders, createAnswerHeaders, NO_SNIFFING } from './answer-headers.js';
import { type AnswerEvents, AnswerWatch } from './answer-watch.js';
import { answerError } from './error-handler.js';
import { httpFamilies } from './http-families.js';
import { headerOf, type NodeBindings, ObservedRequest } from './observed-request.js';
import { parseTrustedProxies } from './peer.js';
import { routeLabels } from './route-label.js';
import { type AddedHeaders, responseWithHeaders } from './send-headers.js';
import { traceIdFrom } from './traceparent.js';

export interface InstrumentOptions extends CapabilityContext {
  /** Those that are mounted; `server` is added. */
  readonly capabilities: readonly CapabilityName[];
  /** Addresses and CIDR ranges whose `X-Forwarded-For` is trusted. Default none. */
  readonly trustedProxies?: readonly string[];
  /** Of every answer, unless it brings its own. Default `createAnswerHeaders()`. */
  readonly headers?: AnswerHeaders;
}

export interface CorsPolicy {
  /** For a simple request, by its `Origin`: the same object each time. `Vary: Origin` comes with every answer. */
  headersFor(origin: string | undefined, capability: CapabilityName): AnswerHeaders | undefined;
}

/** What answers requests: Hono's `fetch`, with Node's objects where there are some. */
export type Fetch = (request: Request, env?: object) => Response | Promise<Response>;

export interface ObserveOptions {
  /** Whom a request counts for, by the mount point of its path. */
  readonly mounts: readonly Pick<Capability, 'name' | 'basePath'>[];
  /** For every other path. Default `server`. */
  readonly otherwise?: CapabilityName;
  /** What pages of other origins may do with the answers of a capability. Default: nothing. */
  readonly cors?: CorsPolicy | undefined;
}

/** Request id, logger and peer of every request; rate, errors, duration and saturation, measured from outside. */
export interface HttpInstrumentation {
  /**
   * What to serve instead of `app.fetch`. It stands in front of the app and not in it: a middleware costs every request
   * its promises.
   */
  observe(app: Hono<ReactorEnv>, options: ObserveOptions): Fetch;
  /** Counts and logs what was answered before it became a request. */
  refused(refusal: { readonly status: number; readonly code: string; readonly requestId: string }): void;
  readonly metrics: MetricsContributor;
}

/** nginx's code for a client that left before the answer began; it never goes over the wire. */
const CLIENT_CLOSED_REQUEST = 499;

interface Outcome {
  readonly status: number;
  /** The client left before it had the whole response. */
  readonly aborted: boolean;
}

/**
 * Counts, times and logs each request once: under Node when the response has been handed to the socket or the socket has
 * closed, so a streamed body counts as long as it flows; elsewhere when the response object is there. Its logger writes
 * the access lines, each under the target of the request's capability.
 * @throws TypeError naming a trusted proxy that is neither an address nor a CIDR range
 */
export function instrumentHttp(options: InstrumentOptions): HttpInstrumentation {
  const { clock, logger, headers = createAnswerHeaders() } = options;
  const labels = [...options.capabilities, SERVER_LABEL];
  const surroundings = { logger, isTrusted: parseTrustedProxies(options.trustedProxies ?? []) };
  const [ofApp, ofReactor] = [joining(NO_SNIFFING), joining(headers)];
  const families = httpFamilies(labels);
  const accessLogs = new Map<CapabilityName, AccessLog>(
    labels.map((capability) => [capability, createAccessLog(logger.target(`reactor_${capability}`))]),
  );

  function finish(request: ObservedRequest, route: string, { status, aborted }: Outcome): void {
    const { capability, method, principal, errorCode, traceId } = request;
    const durationMs = clock.monotonic() - request.startedAt;
    families.requests(capability, method, status).inc();
    families.duration(capability, route).observe(durationMs / 1000);
    const accessLog = accessLogs.get(capability) as AccessLog;
    if (!accessLog.isEnabled('info')) return;
    accessLog.write('info', {
      method,
      path: request.path,
      status,
      durationMs,
      code: errorCode,
      requestId: request.requestId,
      sub: principal?.kind === 'user' ? principal.id : undefined,
      traceId,
      aborted,
      fields: request.accessFields,
    });
  }

  function headersOf(request: ObservedRequest, cors: CorsPolicy | undefined): AddedHeaders {
    const { requestId } = request;
    const own = request.ownHeaders === true;
    const shared = cors?.headersFor(request.origin, request.capability);
    const added = shared === undefined ? (own ? NO_SNIFFING : headers) : (own ? ofApp : ofReactor)(shared);
    // A cache must not give this answer to a page that would get another.
    return cors === undefined ? { requestId, headers: added } : { requestId, headers: added, vary: 'Origin' };
  }

  const ended = ({ capability }: ObservedRequest) => families.inFlight(capability).dec();

  function observe(app: Hono<ReactorEnv>, { mounts, otherwise = SERVER_LABEL, cors }: ObserveOptions): Fetch {
    const capabilityOf = byMountPoint(mounts, otherwise);
    const labelOf = routeLabels(app);
    const events: AnswerEvents = {
      headersOf: (request) => headersOf(request, cors),
      ended,
      closed: (request, outgoing) => finish(request, labelOf(request), outcomeOf(outgoing)),
    };

    function begin(raw: Request, incoming: NodeBindings['incoming']): ObservedRequest {
      const path = app.getPath(raw);
      const request = new ObservedRequest(surroundings, raw, incoming, {
        requestId: requestIdFrom(headerOf(raw, incoming, 'x-request-id')),
        traceId: traceIdFrom(headerOf(raw, incoming, 'traceparent')),
        capability: capabilityOf(path),
        path,
        startedAt: clock.monotonic(),
      });
      families.inFlight(request.capability).inc();
      return request;
    }

    function answered(request: ObservedRequest, watch: AnswerWatch | undefined, response: Response): Response {
      if (watch !== undefined) {
        watch.handled();
        return response;
      }
      ended(request);
      finish(request, labelOf(request), { status: response.status, aborted: false });
      return responseWithHeaders(response, headersOf(request, cors));
    }

    return (raw, env) => {
      const { incoming, outgoing } = (env ?? {}) as NodeBindings;
      const request = begin(raw, incoming);
      const watch = outgoing === undefined ? undefined : new AnswerWatch(outgoing, request, events);
      try {
        const answer = app.fetch(raw, outgoing === undefined ? { ...env, request } : { incoming, outgoing, request });
        if (!(answer instanceof Promise)) return answered(request, watch, answer);
        return answer.then(
          (response) => answered(request, watch, response),
          (thrown: unknown) => answered(request, watch, answerOddity(thrown, request)),
        );
      } catch (thrown) {
        return answered(request, watch, answerOddity(thrown, request));
      }
    };
  }

  return {
    observe,
    refused({ status, code, requestId }) {
      families.requests(SERVER_LABEL, '_OTHER', status).inc();
      logger.info('request refused', { status, code, request_id: requestId });
    },
    metrics: families.metrics,
  };
}

/** `headers` with others, of which there are few sets, each joined once and not for every answer. */
function joining(headers: AnswerHeaders): (others: AnswerHeaders) => AnswerHeaders {
  const joined = new WeakMap<AnswerHeaders, AnswerHeaders>();
  return (others) => {
    let all = joined.get(others);
    if (all === undefined) {
      all = { ...headers, ...others };
      joined.set(others, all);
    }
    return all;
  };
}

function outcomeOf(outgoing: ServerResponse): Outcome {
  const aborted = !outgoing.writableFinished;
  // One that waits behind another answer has no socket yet.
  const began = outgoing.headersSent && !(aborted && outgoing.socket === null);
  return { status: began ? outgoing.statusCode : CLIENT_CLOSED_REQUEST, aborted };
}

/** Hono hands only Errors to the error handler; anything else would end the request without an answer of ours. */
function answerOddity(thrown: unknown, request: ObservedRequest): Response {
  const cause = new Error('something other than an Error was thrown', { cause: thrown });
  return answerError(toReactorError(thrown instanceof Error ? thrown : cause), request);
}

/** It looks at the path alone, so requests that match no route below a mount point count for it too. */
function byMountPoint(mounts: ObserveOptions['mounts'], otherwise: CapabilityName): (path: string) => CapabilityName {
  const prefixes = mounts.map(({ name, basePath }) => ({ name, basePath, prefix: `${basePath}/` }));
  return (path) => {
    for (const { name, basePath, prefix } of prefixes) if (path.startsWith(prefix) || path === basePath) return name;
    return otherwise;
  };
}

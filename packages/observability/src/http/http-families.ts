import {
  type CapabilityName,
  type CounterChild,
  counter,
  type GaugeChild,
  gauge,
  type HistogramChild,
  histogram,
  type MetricsContributor,
  metricsContributor,
  openLabel,
} from '@reactor/core';

/** The methods OpenTelemetry's HTTP conventions know; any other is `_OTHER`, as they say. */
const METHODS = ['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE'] as const;
const METHOD_LABELS = [...METHODS, '_OTHER'] as const;
type MethodLabel = (typeof METHOD_LABELS)[number];

/** 62 codes are registered with IANA; functions may answer others. */
const MAX_STATUSES = 100;
/** All capabilities together declare some 150 routes. */
const MAX_ROUTES = 500;
/** Seconds. From a cached lookup to the longest a person waits; the request timeout of 30 s falls into +Inf. */
const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The HTTP instruments, with their children kept per label value: a request looks them up and makes no string. */
export interface HttpFamilies {
  readonly metrics: MetricsContributor;
  inFlight(capability: CapabilityName): GaugeChild;
  requests(capability: CapabilityName, method: string, status: number): CounterChild;
  duration(capability: CapabilityName, route: string): HistogramChild;
}

/** @param capabilities those that can occur: only they get series before their first request */
export function httpFamilies(capabilities: readonly CapabilityName[]): HttpFamilies {
  const requests = counter({
    name: 'reactor_http_requests_total',
    help: 'Finished HTTP requests; status 499 means that the client left before the answer began',
    moves: 'once per request, when its response has been sent or its client has gone',
    unit: 'none',
    labels: { capability: capabilities, method: METHOD_LABELS, status: openLabel(MAX_STATUSES) },
  });
  const duration = histogram({
    name: 'reactor_http_request_duration_seconds',
    help: 'Time from a request reaching the server to the last byte of its response; route is the matched pattern',
    moves: 'once per request, together with reactor_http_requests_total',
    unit: 'seconds',
    labels: { capability: capabilities, route: openLabel(MAX_ROUTES) },
    buckets: DURATION_BUCKETS,
  });
  const inFlight = gauge({
    name: 'reactor_http_requests_in_flight',
    help: 'HTTP requests whose handler is at work or whose response is being sent',
    moves: 'at the start and the end of each request',
    unit: 'none',
    labels: { capability: capabilities },
  });

  const inFlightOf = new Map(capabilities.map((capability) => [capability, inFlight.child({ capability })] as const));
  const requestsOf = new Cache((capability: CapabilityName) => {
    return new Cache((method: MethodLabel) => {
      return new Cache((status: number) => requests.child({ capability, method, status: String(status) }));
    });
  });
  const durationOf = new Cache((capability: CapabilityName) => {
    return new Cache((route: string) => duration.child({ capability, route }));
  });
  // The error share of a capability needs its 5xx series before the first error, and rate() misses a series' first step.
  for (const capability of capabilities) {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const) {
      requests.child({ capability, method, status: '500' });
    }
  }

  return {
    metrics: metricsContributor([requests, duration, inFlight]),
    inFlight: (capability) => inFlightOf.get(capability) ?? inFlight.child({ capability }),
    requests: (capability, method, status) =>
      requestsOf
        .of(capability)
        .of(isKnownMethod(method) ? method : '_OTHER')
        .of(status),
    duration: (capability, route) => durationOf.of(capability).of(route),
  };
}

function isKnownMethod(method: string): method is Exclude<MethodLabel, '_OTHER'> {
  return (METHODS as readonly string[]).includes(method);
}

/** A map that makes what is missing. Its keys come from bounded sets: labels, statuses, route patterns. */
class Cache<Key, Value> {
  readonly #values = new Map<Key, Value>();
  readonly #create: (key: Key) => Value;

  constructor(create: (key: Key) => Value) {
    this.#create = create;
  }

  of(key: Key): Value {
    let value = this.#values.get(key);
    if (value === undefined) {
      value = this.#create(key);
      this.#values.set(key, value);
    }
    return value;
  }
}

import type { CapabilityContext, CapabilityName, HealthCheck, MetricsContributor, ReactorEnv } from '@reactor/core';
import type { Hono } from 'hono';

/** Where this process stands: only `ready` takes traffic. */
export type ServerPhase = 'starting' | 'ready' | 'draining';

export interface HealthSubject {
  readonly name: CapabilityName;
  readonly health: HealthCheck;
}

export interface HealthOptions extends CapabilityContext {
  /** The mounted capabilities, asked anew in each round. */
  readonly capabilities: () => readonly HealthSubject[];
  readonly phase: () => ServerPhase;
}

export interface Health {
  /** `GET` and `HEAD` of `/health`, `/livez`, `/readyz`. */
  readonly routes: Hono<ReactorEnv>;
  readonly metrics: MetricsContributor;
}

export function createHealth(_options: HealthOptions): Health {
  throw new Error('not built yet');
}

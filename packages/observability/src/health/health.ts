import type {
  CapabilityContext,
  CapabilityName,
  HealthCheck,
  HealthResult,
  MetricsContributor,
  ReactorEnv,
} from '@reactor/core';
import type { Hono } from 'hono';
import { healthFamilies } from './health-families.js';
import type { HealthRound, ServerPhase } from './round.js';
import { healthRoutes } from './routes.js';
import { runCheck } from './run-check.js';

/** A mounted capability, as far as health is concerned. */
export interface HealthSubject {
  readonly name: CapabilityName;
  readonly health: HealthCheck;
}

export interface HealthOptions extends CapabilityContext {
  /** The mounted capabilities, asked again in each round. */
  readonly capabilities: () => readonly HealthSubject[];
  readonly phase: () => ServerPhase;
}

/** Health of all capabilities together, its routes and its metrics. */
export interface Health {
  /** `GET` and `HEAD` of `/health`, `/livez`, `/readyz`. */
  readonly routes: Hono<ReactorEnv>;
  readonly metrics: MetricsContributor;
}

/** Milliseconds a round is answered from memory, counted from its start. */
const MAX_AGE_MS = 1000;

export function createHealth(options: HealthOptions): Health {
  const { clock, logger } = options;
  const known = new Map<CapabilityName, HealthResult['status']>();
  let latest: { readonly startedAt: number; readonly round: Promise<HealthRound> } | undefined;

  async function check({ name, health }: HealthSubject): Promise<readonly [CapabilityName, HealthResult]> {
    const start = clock.monotonic();
    const { result, error } = await runCheck(health);
    families.duration(name).observe((clock.monotonic() - start) / 1000);
    // A poll every second must not write a line every second: only a change is news.
    if (result.status === 'error' && known.get(name) !== 'error') {
      logger.warn('health check failed', {
        capability: name,
        reason: result.reason,
        ...(error === undefined ? {} : { error }),
      });
    } else if (result.status === 'ok' && known.get(name) === 'error') {
      logger.info('health check passes again', { capability: name });
    }
    known.set(name, result.status);
    return [name, result];
  }

  /** The round under way or the one before while it is fresh, so that any number of callers costs one round a second. */
  function currentRound(): Promise<HealthRound> {
    const now = clock.monotonic();
    if (latest === undefined || now - latest.startedAt >= MAX_AGE_MS) {
      const round = Promise.all(options.capabilities().map(check)).then((results) => new Map(results));
      latest = { startedAt: now, round };
    }
    return latest.round;
  }

  const families = healthFamilies(async () => {
    if (options.phase() !== 'ready') return new Map();
    return new Map(Array.from(await currentRound(), ([name, { status }]) => [name, status === 'ok']));
  });
  return { routes: healthRoutes({ phase: options.phase, currentRound }), metrics: families.metrics };
}

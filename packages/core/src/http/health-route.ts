import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { HealthCheck, HealthResult } from '../capability.js';
import { withDeadline } from '../deadline.js';
import type { Clock } from '../ports/clock.js';
import type { ReactorEnv } from './env.js';
import { jsonAnswer } from './routes.js';

const getHealth = createRoute({
  method: 'get',
  path: '/health',
  summary: 'Whether this capability can serve',
  responses: {
    200: jsonAnswer('It can.', z.object({ status: z.literal('ok'), version: z.string() })),
    503: jsonAnswer('It cannot.', z.object({ status: z.literal('error'), version: z.string(), reason: z.string() })),
  },
});

/** Whose health is answered. An answer is kept by the object that `healthOf` returns. */
export interface HealthRouteOptions {
  readonly version: string;
  readonly clock: Clock;
  /** The same object for each request of a tenant. */
  healthOf(context: Context<ReactorEnv>): HealthCheck;
}

/** As long as the server's own `/health` keeps an answer. Milliseconds. */
const SHARED_MS = 1_000;

/** `GET /health`: the check of one capability. Those who ask within a second share one: asking is open to anyone. */
export function addHealthRoute(
  routes: OpenAPIHono<ReactorEnv>,
  { version, clock, healthOf }: HealthRouteOptions,
): void {
  const checks = new WeakMap<HealthCheck, () => Promise<HealthResult>>();
  routes.openapi(getHealth, async (c) => {
    const health = healthOf(c);
    const check = checks.get(health) ?? share(health, clock);
    checks.set(health, check);
    const result = await check();
    if (result.status === 'ok') return c.json({ status: 'ok' as const, version }, 200);
    return c.json({ status: 'error' as const, version, reason: result.reason }, 503);
  });
}

function share(health: HealthCheck, clock: Clock): () => Promise<HealthResult> {
  let latest: Promise<HealthResult> | undefined;
  let until = 0;
  return () => {
    if (latest === undefined || clock.monotonic() >= until) {
      until = clock.monotonic() + SHARED_MS;
      latest = answerOf(health);
    }
    return latest;
  };
}

/** One that rejects, or does not answer in time, has failed. */
async function answerOf(health: HealthCheck): Promise<HealthResult> {
  try {
    return await withDeadline(health.timeoutMs, (signal) => health.check(signal));
  } catch {
    return { status: 'error', reason: 'the check did not finish' };
  }
}

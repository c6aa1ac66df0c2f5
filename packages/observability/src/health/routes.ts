import { type OpenAPIHono, z } from '@hono/zod-openapi';
import { createRoutes, jsonAnswer, type ReactorEnv } from '@reactor/core';
import type { HealthRound, ServerPhase } from './round.js';

/** Seconds until a starting server is worth another look; a draining one is gone by then. */
const RETRY_AFTER = '1';

/** Of every answer. */
const HEADERS = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' } as const;

const ALIVE = JSON.stringify({ status: 'ok' });

const NOT_READY = { starting: 'The server is starting.', draining: 'The server is shutting down.' } as const;

const status = z.enum(['ok', 'error']);
const healthBody = z
  .object({
    status,
    capabilities: z.record(z.string(), status).optional(),
    failing: z.array(z.string()).optional(),
    errors: z.record(z.string(), z.string()).optional().describe('Why, by what fails.'),
  })
  .openapi('Health');

interface HealthSource {
  readonly phase: () => ServerPhase;
  readonly currentRound: () => Promise<HealthRound>;
}

/** `/health` asks every capability, `/readyz` only this process, `/livez` nothing. HEAD comes with GET. */
export function healthRoutes({ phase, currentRound }: HealthSource): OpenAPIHono<ReactorEnv> {
  const routes = createRoutes();
  routes.get('/livez', () => new Response(ALIVE, { headers: HEADERS }));
  routes.get('/readyz', () => {
    const now = phase();
    return now === 'ready' ? answer(200, { status: 'ok' }) : notReady(now, { status: 'error' });
  });
  routes.get('/health', async () => {
    const now = phase();
    if (now !== 'ready') return notReady(now, { status: 'error', capabilities: {} });
    const round = Array.from(await currentRound());
    const capabilities = Object.fromEntries(round.map(([name, { status }]) => [name, status]));
    const failures = round.flatMap(([name, result]) => (result.status === 'error' ? [[name, result.reason]] : []));
    if (failures.length === 0) return answer(200, { status: 'ok', capabilities });
    return answer(503, {
      status: 'error',
      capabilities,
      failing: failures.map(([name]) => name),
      errors: Object.fromEntries(failures),
    });
  });
  describe(routes, '/livez', 'Whether the process runs; asks no dependency');
  describe(routes, '/readyz', 'Whether this process has started and is not draining', 'It has not, or it drains.');
  describe(routes, '/health', 'Whether every mounted capability can take traffic', 'One cannot; `failing` names it.');
  return routes;
}

function describe({ openAPIRegistry }: OpenAPIHono<ReactorEnv>, path: string, summary: string, failure?: string): void {
  openAPIRegistry.registerPath({
    method: 'get',
    path,
    tags: ['server'],
    summary,
    responses: {
      200: jsonAnswer('Yes.', healthBody),
      ...(failure === undefined ? {} : { 503: jsonAnswer(failure, healthBody) }),
    },
  });
}

function notReady(phase: Exclude<ServerPhase, 'ready'>, body: object): Response {
  const said = { ...body, failing: ['server'], errors: { server: NOT_READY[phase] } };
  return answer(503, said, { 'Retry-After': RETRY_AFTER });
}

/** Probes come every few seconds from everywhere: Hono's own way to a JSON answer with a header takes three times as long. */
function answer(status: 200 | 503, body: object, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...HEADERS, ...headers },
  });
}

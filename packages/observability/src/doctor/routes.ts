import { type OpenAPIHono, z } from '@hono/zod-openapi';
import {
  allowLongAnswer,
  bearerSecurity,
  createRoutes,
  type DoctorReport,
  hasFailure,
  jsonAnswer,
  type ReactorEnv,
} from '@reactor/core';

const status = z.enum(['ok', 'warn', 'fail']);
const check = z.object({
  name: z.string(),
  status,
  message: z.string().optional(),
  remedy: z.string().optional().describe('The next thing to do.'),
  duration_ms: z.number(),
  code: z.string().optional(),
  caused_by: z.string().optional().describe('The resource whose failure explains this one.'),
});
const report = z
  .record(z.string(), z.object({ status, checks: z.array(check) }))
  .openapi('DoctorReport', { description: 'By capability; `server` is what belongs to none.' });

/**
 * `GET /_admin/doctor`: 200 when nothing fails, else 207. Mount the admin gate before it.
 * @param run usually `runDoctor` with the mounted capabilities; the signal aborts when the client leaves
 */
export function doctorRoutes(run: (signal: AbortSignal) => Promise<DoctorReport>): OpenAPIHono<ReactorEnv> {
  const routes = createRoutes();
  routes.get('/_admin/doctor', async (c) => {
    // Each probe has its own timeout; all of them together may take longer than a request.
    allowLongAnswer(c);
    const report = await run(c.req.raw.signal);
    return c.json(report, hasFailure(report) ? 207 : 200, { 'Cache-Control': 'no-store' });
  });
  routes.openAPIRegistry.registerPath({
    method: 'get',
    path: '/_admin/doctor',
    tags: ['server'],
    summary: 'What every probe finds, with remedies',
    security: bearerSecurity,
    responses: { 200: jsonAnswer('Nothing fails.', report), 207: jsonAnswer('Something fails.', report) },
  });
  return routes;
}

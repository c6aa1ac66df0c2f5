import type { ReactorEnv } from '@reactor/core';
import { Hono } from 'hono';
import { type DoctorReport, hasFailure } from './report.js';

/**
 * `GET /_admin/doctor`: 200 when nothing fails, else 207. Mount the admin gate before it.
 * @param run usually `runDoctor` with the mounted capabilities; the signal aborts when the client leaves
 */
export function doctorRoutes(run: (signal: AbortSignal) => Promise<DoctorReport>): Hono<ReactorEnv> {
  return new Hono<ReactorEnv>().get('/_admin/doctor', async (c) => {
    const report = await run(c.req.raw.signal);
    return c.json(report, hasFailure(report) ? 207 : 200, { 'Cache-Control': 'no-store' });
  });
}

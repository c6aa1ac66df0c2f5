import type { ReactorEnv } from '@reactor/core';
import type { Hono } from 'hono';
import type { DoctorReport } from './report.js';

/** `GET /_admin/doctor`: 200 when nothing fails, else 207. Mount the admin gate before it. */
export function doctorRoutes(_run: (signal: AbortSignal) => Promise<DoctorReport>): Hono<ReactorEnv> {
  throw new Error('not built yet');
}

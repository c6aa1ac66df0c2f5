import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Principal, ReactorEnv } from '@reactor/core';
import type { Context } from 'hono';
import { withEmbedRanges } from '../http/embed-range.js';
import { preferenceApplied } from '../http/prefer.js';
import { contentRange, parseRowRange, rangeStatus } from '../http/range.js';
import { planRead } from '../plan/index.js';
import { parseReadRequest } from '../query/index.js';
import { type DataService, withSchema } from '../service.js';
import { answered } from './answered.js';
import { nameOf, outputOptions, paged, queryLimits, readHeaders, sessionOf } from './request.js';
import { requireOneRow, respond, respondPlan } from './respond.js';

/** GET and HEAD of a table or view. */
export function readRoutes(routes: OpenAPIHono<ReactorEnv>, service: DataService): void {
  routes.get(
    '/:table',
    answered(service, 'select', (c, principal) => read(c, principal, service)),
  );
}

async function read(c: Context<ReactorEnv>, principal: Principal, service: DataService): Promise<Response> {
  const { config, executor, metrics } = service;
  const request = readHeaders(c, principal, config);
  const table = nameOf(c, request, 'table');
  const { media, rows, preferences } = request;
  const range = parseRowRange(c.req.header('Range') ?? null);
  const parsed = parseReadRequest(request.parameters, queryLimits(config));
  const query = paged(withEmbedRanges(parsed, c.req.raw.headers), range, config);
  const session = sessionOf(c, principal, request, config, { readOnly: true });
  return withSchema(service, principal, async (model) => {
    const plan = planRead(model, table, query, outputOptions(request, config));
    if (media.kind === 'plan') {
      return respondPlan(await executor.explain('select', session, plan, media.explainOptions), media);
    }
    const result = await executor.read('select', session, plan);
    requireOneRow(rows, result);
    const { rowCount, totalCount } = result;
    const status = rangeStatus(query.offset, rowCount, totalCount);
    metrics.rowsRead(rowCount);
    return respond(result.body, status, {
      'Content-Type': rows.contentType,
      'Content-Range': contentRange(query.offset, rowCount, totalCount),
      'Preference-Applied': preferenceApplied(preferences, ['count', 'handling', 'timezone']),
    });
  });
}

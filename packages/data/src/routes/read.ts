import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Principal, ReactorEnv, Services } from '@reactor/core';
import type { Context } from 'hono';
import { withEmbedRanges } from '../http/embed-range.js';
import { preferenceApplied } from '../http/prefer.js';
import { contentRange, parseRowRange, rangeStatus } from '../http/range.js';
import { planRead } from '../plan/index.js';
import { parseReadRequest } from '../query/index.js';
import type { DataService } from '../service.js';
import { withSchema } from '../with-schema.js';
import { answered } from './answered.js';
import { nameOf, outputOptions, paged, queryLimits, readHeaders, sessionOf } from './request.js';
import { requireOneRow, respond, respondPlan } from './respond.js';

/** GET and HEAD of a table or view. */
export function addReadRoutes(routes: OpenAPIHono<ReactorEnv>, services: Services<DataService>): void {
  routes.get('/:table', answered(services, 'select', read));
}

/**
 * GET and HEAD of a table `health` by those who name its schema, as clients with a schema do. Without `Accept-Profile` the
 * path is the health check's. Comes before it.
 */
export function addRouteOfTableHealth(routes: OpenAPIHono<ReactorEnv>, services: Services<DataService>): void {
  const readHealth = answered(services, 'select', (c, principal, service) => read(c, principal, service, 'health'));
  routes.get('/health', (c, next) => (c.req.header('Accept-Profile') === undefined ? next() : readHealth(c, next)));
}

async function read(
  c: Context<ReactorEnv>,
  principal: Principal,
  service: DataService,
  named?: string,
): Promise<Response> {
  const { config, executor, metrics } = service;
  const request = readHeaders(c, principal, config);
  const table = named ?? nameOf(c, request, 'table');
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

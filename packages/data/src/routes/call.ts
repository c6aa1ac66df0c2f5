import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Principal, ReactorEnv, Services } from '@reactor/core';
import type { Context } from 'hono';
import { dataError } from '../errors.js';
import type { PlanResult } from '../execute/executor.js';
import { readArguments } from '../http/body.js';
import { type Preferences, preferenceApplied } from '../http/prefer.js';
import { contentRange, parseRowRange, rangeStatus } from '../http/range.js';
import { argumentNames, type CallInput, type CallPlan, planCall } from '../plan/index.js';
import { parseCallRequest } from '../query/index.js';
import type { SchemaModel } from '../schema/model.js';
import type { DataService } from '../service.js';
import { withSchema } from '../with-schema.js';
import { answered } from './answered.js';
import { type DataRequest, nameOf, outputOptions, paged, queryLimits, readHeaders, sessionOf } from './request.js';
import { requireOneRow, respond, respondPlan } from './respond.js';

/** Functions: POST with a JSON object of arguments, GET and HEAD with arguments in the query string. */
export function addCallRoutes(routes: OpenAPIHono<ReactorEnv>, services: Services<DataService>): void {
  const handler = answered(services, 'call', call);
  routes.get('/rpc/:function', handler);
  routes.post('/rpc/:function', handler);
}

async function call(c: Context<ReactorEnv>, principal: Principal, service: DataService): Promise<Response> {
  const { config, executor, metrics } = service;
  const request = readHeaders(c, principal, config);
  const name = nameOf(c, request, 'function');
  const isPost = c.req.method === 'POST';
  const { media, rows, preferences } = request;
  const range = parseRowRange(c.req.header('Range') ?? null);
  const body = isPost ? await readArguments(c.req.raw, config.maxBodyBytes) : undefined;
  return withSchema(service, principal, async (model) => {
    const { plan, offset } = planOf(model, name, body, request, range, service);
    const readOnly = !isPost || plan.function.volatility !== 'volatile';
    const session = sessionOf(c, principal, request, config, { readOnly });
    if (media.kind === 'plan') {
      return respondPlan(await executor.explain('call', session, plan, media.explainOptions), media);
    }
    const check = (done: PlanResult) => {
      if (plan.function.returns.kind !== 'void') requireOneRow(rows, done);
      assertMaxAffected(preferences, done);
    };
    const decide = (done: PlanResult) => {
      check(done);
      return preferences.tx === 'rollback' ? 'rollback' : 'commit';
    };
    const mayBeUndone =
      rows.format === 'object' || preferences.maxAffected !== undefined || preferences.tx === 'rollback';
    const result = readOnly
      ? await executor.read('call', session, plan)
      : await executor.write('call', session, plan, mayBeUndone ? decide : undefined);
    if (readOnly) check(result);
    return answer(request, plan, result, offset, metrics.rowsRead);
  });
}

function planOf(
  model: SchemaModel,
  name: string,
  body: CallInput | undefined,
  request: DataRequest,
  range: ReturnType<typeof parseRowRange>,
  { config }: DataService,
): { readonly plan: CallPlan; readonly offset: number } {
  const names = body === undefined ? argumentNames(model, name) : new Set<string>();
  const parsed = parseCallRequest(request.parameters, names, queryLimits(config));
  const query = paged(parsed.query, range, config);
  const plan = planCall(model, name, body ?? parsed.arguments, query, outputOptions(request, config));
  return { plan, offset: query.offset };
}

function answer(
  { rows, preferences }: DataRequest,
  plan: CallPlan,
  { body, rowCount, totalCount }: PlanResult,
  offset: number,
  countRows: (rows: number) => void,
): Response {
  const isMinimal = preferences.return === 'minimal';
  const applied = preferenceApplied(preferences, [
    ...(isMinimal ? (['return'] as const) : []),
    'count',
    'tx',
    'handling',
    'max-affected',
    'timezone',
  ]);
  if (plan.function.returns.kind === 'void') return respond(null, 204, { 'Preference-Applied': applied });
  const status = rangeStatus(offset, rowCount, totalCount);
  const headers = { 'Content-Range': contentRange(offset, rowCount, totalCount), 'Preference-Applied': applied };
  if (isMinimal) return respond(null, 204, headers);
  countRows(rowCount);
  return respond(body ?? 'null', status, { ...headers, 'Content-Type': rows.contentType });
}

/** @throws DataError PGRST124: of a function, the rows it returns are meant */
function assertMaxAffected({ handling, maxAffected }: Preferences, { rowCount }: PlanResult): void {
  if (handling !== 'strict' || maxAffected === undefined || rowCount <= maxAffected) return;
  throw dataError(
    'too_many_rows_affected',
    `The function returned ${rowCount} rows, and max-affected allows ${maxAffected}.`,
    { code: 'PGRST124', details: `The query affects ${rowCount} rows` },
  );
}

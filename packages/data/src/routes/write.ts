import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Principal, ReactorEnv, Services } from '@reactor/core';
import type { Context } from 'hono';
import { dataError } from '../errors.js';
import type { PlanResult } from '../execute/executor.js';
import { readRows } from '../http/body.js';
import { type Preferences, preferenceApplied } from '../http/prefer.js';
import { contentRange } from '../http/range.js';
import type { Operation } from '../metrics.js';
import { type Plan, planDelete, planInsert, planPut, planUpdate, type WriteOptions } from '../plan/index.js';
import { parseRows, parseWriteRequest, type RowsBody, type WriteQuery } from '../query/index.js';
import type { SchemaModel } from '../schema/model.js';
import type { DataService } from '../service.js';
import { withSchema } from '../with-schema.js';
import { answered } from './answered.js';
import { type LocatedRows, locate, withKeySelected } from './location.js';
import { type DataRequest, nameOf, outputOptions, queryLimits, readHeaders, sessionOf } from './request.js';
import { requireOneRow, respond, respondPlan } from './respond.js';

type Method = 'POST' | 'PATCH' | 'PUT' | 'DELETE';

const OPERATIONS: Readonly<Record<Method, Operation>> = {
  POST: 'insert',
  PATCH: 'update',
  PUT: 'update',
  DELETE: 'delete',
};

/** POST, PATCH, PUT and DELETE on a table. */
export function addWriteRoutes(routes: OpenAPIHono<ReactorEnv>, services: Services<DataService>): void {
  for (const [method, operation] of Object.entries(OPERATIONS) as [Method, Operation][]) {
    routes.on(
      method,
      '/:table',
      answered(services, operation, (c, principal, service) => write(c, method, principal, service)),
    );
  }
}

async function write(
  c: Context<ReactorEnv>,
  method: Method,
  principal: Principal,
  service: DataService,
): Promise<Response> {
  const { config, executor, metrics } = service;
  const operation = OPERATIONS[method];
  const request = readHeaders(c, principal, config);
  const table = nameOf(c, request, 'table');
  const { media, preferences } = request;
  const parsed = parseWriteRequest(request.parameters, queryLimits(config));
  const body =
    method === 'DELETE' ? undefined : parseRows(await readRows(c.req.raw, config.maxBodyBytes), parsed.columns);
  const session = sessionOf(c, principal, request, config, { readOnly: false });
  return withSchema(service, principal, async (model) => {
    const located = locatedRows(model, table, method, preferences, body);
    const plan = planWrite(model, table, method, body, located?.write(parsed) ?? parsed, request, {
      ...outputOptions(request, config),
      ...(located === undefined ? {} : { format: 'object', stripNulls: false }),
      returning: preferences.return === 'representation' || located !== undefined,
    });
    if (media.kind === 'plan') {
      return respondPlan(await executor.explain(operation, session, plan, media.explainOptions), media);
    }
    const decide = (done: PlanResult) => {
      if (method === 'PUT') assertReplaced(done);
      requireOneWritten(request, done);
      assertMaxAffected(preferences, done);
      return preferences.tx === 'rollback' ? 'rollback' : 'commit';
    };
    const undecided = mayBeUndone(method, request);
    const result = await executor.write(operation, session, plan, undecided ? decide : undefined);
    if (preferences.tx !== 'rollback') metrics.rowsWritten(result.affectedCount ?? 0);
    return answer(c, method, request, result, located);
  });
}

function planWrite(
  model: SchemaModel,
  table: string,
  method: Method,
  body: RowsBody | undefined,
  write: WriteQuery,
  { preferences }: DataRequest,
  options: WriteOptions,
): Plan {
  // A caller who says how many rows may change has thought of all of them.
  const allowUnfiltered = preferences.handling === 'strict' && preferences.maxAffected !== undefined;
  if (body === undefined) return planDelete(model, table, write, { ...options, allowUnfiltered });
  if (method === 'PATCH') return planUpdate(model, table, body, write, { ...options, allowUnfiltered });
  if (method === 'PUT') return planPut(model, table, body, write, options);
  const { resolution, missing, onConflict } = preferences;
  return planInsert(model, table, body, onConflict === undefined ? write : { onConflict, ...write }, {
    ...options,
    ...(resolution === undefined ? {} : { conflict: resolution === 'merge-duplicates' ? 'merge' : 'ignore' }),
    ...(missing === undefined ? {} : { missing }),
  });
}

/** Whether its effect decides if it is kept. */
function mayBeUndone(method: Method, { preferences, rows }: DataRequest): boolean {
  const { maxAffected, tx } = preferences;
  return rows.format === 'object' || method === 'PUT' || maxAffected !== undefined || tx === 'rollback';
}

/** With `return=headers-only`, an insert of one row answers where it is: its key must come back. */
function locatedRows(
  model: SchemaModel,
  table: string,
  method: Method,
  preferences: Preferences,
  body: RowsBody | undefined,
): LocatedRows | undefined {
  if (method !== 'POST' || preferences.return !== 'headers-only' || body?.rowCount !== 1) return undefined;
  return withKeySelected(model.relations.get(table)?.primaryKey ?? []);
}

/**
 * One object asked for is one row written, whether or not it comes back; and of rows that come back an embed may leave
 * some out.
 * @throws DataError `not_one_row` (406, PGRST116)
 */
function requireOneWritten({ preferences, rows }: DataRequest, done: PlanResult): void {
  requireOneRow(rows, { rowCount: done.affectedCount ?? 0 });
  if (preferences.return === 'representation') requireOneRow(rows, done);
}

/** @throws DataError PGRST115 when the body of a PUT names another row than the query */
function assertReplaced({ affectedCount = 0 }: PlanResult): void {
  if (affectedCount > 0) return;
  throw dataError('invalid_body', 'The primary key in the body must be the one in the query string.', {
    code: 'PGRST115',
  });
}

/** @throws DataError PGRST124 when more rows were changed than allowed */
function assertMaxAffected({ handling, maxAffected }: Preferences, { affectedCount = 0 }: PlanResult): void {
  if (handling === 'strict' && maxAffected !== undefined && affectedCount > maxAffected) {
    throw dataError(
      'too_many_rows_affected',
      `The request would change ${affectedCount} rows, and max-affected allows ${maxAffected}.`,
      { code: 'PGRST124', details: `The query affects ${affectedCount} rows` },
    );
  }
}

function answer(
  c: Context<ReactorEnv>,
  method: Method,
  { preferences, rows }: DataRequest,
  { body, rowCount, affectedCount = 0 }: PlanResult,
  located: LocatedRows | undefined,
): Response {
  const total = preferences.count === undefined ? undefined : affectedCount;
  const represented = preferences.return === 'representation';
  const headers = {
    'Content-Range': contentRange(0, method === 'PATCH' ? affectedCount : 0, total),
    'X-Affected-Rows': String(affectedCount),
    'Preference-Applied': preferenceApplied(preferences, [
      'return',
      'count',
      'resolution',
      'missing',
      'tx',
      'handling',
      'max-affected',
      'timezone',
    ]),
    Location: located === undefined || rowCount !== 1 ? undefined : locate(new URL(c.req.url).pathname, located, body),
  };
  if (method === 'POST') return respond(represented ? body : null, 201, { ...headers, ...typed(represented, rows) });
  return represented ? respond(body, 200, { ...headers, ...typed(true, rows) }) : respond(null, 204, headers);
}

function typed(represented: boolean, { contentType }: DataRequest['rows']) {
  return represented ? { 'Content-Type': contentType } : {};
}

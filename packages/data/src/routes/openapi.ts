import { type OpenAPIHono, z } from '@hono/zod-openapi';
import type { ReactorEnv } from '@reactor/core';

const security = [{}, { bearer: [] }];
const text = (description: string) => z.string().optional().describe(description);
const rows = { 'application/json': { schema: z.array(z.record(z.string(), z.unknown())) } };

const table = z.object({ table: z.string().describe('A table or view of the schema `public`.') });
const query = z.object({
  select: text('Columns and embedded relations, e.g. `id,title,author(name)`. Other parameters filter: `id=eq.1`.'),
  order: text('Columns to sort by, e.g. `title.desc.nullslast`.'),
  limit: text('Most rows.'),
  offset: text('Rows to skip.'),
});
const preferences = z.object({
  Prefer: text('`return`, `count`, `resolution`, `missing`, `tx`, `handling`, `max-affected`, `timezone`.'),
});

const refusals = {
  400: { description: '`invalid_query`, `column_not_found`, `relationship_not_found`, `invalid_value`, …' },
  401: { description: '`unauthorized`, `invalid_token`; `policy_denied` for callers without a token' },
  403: { description: '`policy_denied`, `permission_denied`, `row_security_off`' },
  404: { description: '`table_not_found`' },
} as const;

/**
 * Describes the routes on tables and functions for the server's own document. What is in the database is described by
 * GET of the mount point.
 */
export function describeTableRoutes({ openAPIRegistry: registry }: OpenAPIHono<ReactorEnv>): void {
  registry.registerPath({
    method: 'get',
    path: '/{table}',
    summary: 'Rows of a table or view that the caller may see',
    security,
    request: { params: table, query, headers: preferences.extend({ Range: text('Rows, e.g. `0-9`.') }) },
    responses: {
      200: { description: 'Rows; `Content-Range` says which', content: rows },
      206: { description: 'A part of the rows, when a count was asked for', content: rows },
      406: { description: '`not_one_row`, `not_acceptable`' },
      416: { description: '`range_not_satisfiable`' },
      ...refusals,
    },
  });
  const body = {
    required: true,
    content: {
      'application/json': { schema: z.unknown().describe('An object, or an array of objects with the same keys.') },
      'text/csv': { schema: z.string() },
    },
  };
  const changed = {
    200: { description: 'The rows, with `return=representation`', content: rows },
    204: { description: 'Done; `X-Affected-Rows` says how many' },
    409: { description: '`conflict`' },
    ...refusals,
  };
  registry.registerPath({
    method: 'post',
    path: '/{table}',
    summary: 'Insert rows, or merge them with `Prefer: resolution=merge-duplicates`',
    security,
    request: {
      params: table,
      query: z.object({
        select: query.shape.select,
        columns: text('Keys of the body that count.'),
        on_conflict: text('Columns of the unique constraint that tells duplicates; else the primary key.'),
      }),
      headers: preferences,
      body,
    },
    responses: {
      201: { description: 'Inserted', content: rows },
      409: { description: '`conflict`' },
      413: { description: '`payload_too_large`' },
      ...refusals,
    },
  });
  registry.registerPath({
    method: 'patch',
    path: '/{table}',
    summary: 'Update the rows that the filters leave',
    security,
    request: { params: table, query, headers: preferences, body },
    responses: changed,
  });
  registry.registerPath({
    method: 'put',
    path: '/{table}',
    summary: 'Insert or replace the one row that the primary key in the query names',
    security,
    request: { params: table, query, headers: preferences, body },
    responses: changed,
  });
  registry.registerPath({
    method: 'delete',
    path: '/{table}',
    summary: 'Delete the rows that the filters leave',
    security,
    request: { params: table, query, headers: preferences },
    responses: changed,
  });
  const called = {
    200: { description: 'What it returns', content: { 'application/json': { schema: z.unknown() } } },
    204: { description: 'It returns nothing' },
    ...refusals,
    404: { description: '`function_not_found`' },
  };
  const name = z.object({ function: z.string().describe('A function of the schema `public`.') });
  registry.registerPath({
    method: 'get',
    path: '/rpc/{function}',
    summary: 'Call a function that only reads, with arguments as parameters',
    security,
    request: { params: name, headers: preferences },
    responses: { ...called, 405: { description: '`read_only`: it writes' } },
  });
  registry.registerPath({
    method: 'post',
    path: '/rpc/{function}',
    summary: 'Call a function with an object of arguments',
    security,
    request: {
      params: name,
      headers: preferences,
      body: { content: { 'application/json': { schema: z.record(z.string(), z.unknown()) } } },
    },
    responses: called,
  });
}

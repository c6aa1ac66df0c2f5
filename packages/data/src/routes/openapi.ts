import { type OpenAPIHono, z } from '@hono/zod-openapi';
import { bearerSecurity, errorAnswer, jsonAnswer, type ReactorEnv } from '@reactor/core';

/** Without a token callers see what policies show to everybody. */
const security = [{}, ...bearerSecurity];
const text = (description: string) => z.string().optional().describe(description);
const rows = z.array(z.record(z.string(), z.unknown()));

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

const badRequests = [
  'invalid_query',
  'column_not_found',
  'relationship_not_found',
  'invalid_value',
  'constraint_violation',
  'statement_rejected',
  'raised_by_function',
  'result_too_large',
] as const;

const refusals = {
  400: errorAnswer(...badRequests),
  // Without a token, a policy that refuses and a privilege that is missing are 401, too.
  401: errorAnswer('unauthorized', 'invalid_token', 'policy_denied', 'permission_denied'),
  403: errorAnswer('policy_denied', 'permission_denied', 'row_security_off'),
  404: errorAnswer('table_not_found'),
  503: errorAnswer('schema_unavailable', 'database_unavailable', 'write_conflict'),
  504: errorAnswer('statement_timeout'),
};

/**
 * Describes the routes on tables and functions for the server's own document. What is in the database is described by
 * GET of the mount point.
 */
export function describeTableRoutes({ openAPIRegistry: registry }: OpenAPIHono<ReactorEnv>): void {
  registry.registerPath({
    method: 'get',
    path: '/',
    summary: 'The tables and functions of the schema `public`, as OpenAPI',
    security: bearerSecurity,
    responses: {
      200: {
        description: 'The document',
        content: { 'application/openapi+json': { schema: z.record(z.string(), z.unknown()) } },
      },
      401: errorAnswer('unauthorized', 'invalid_token'),
    },
  });
  registry.registerPath({
    method: 'get',
    path: '/{table}',
    summary: 'Rows of a table or view that the caller may see',
    security,
    request: { params: table, query, headers: preferences.extend({ Range: text('Rows, e.g. `0-9`.') }) },
    responses: {
      200: jsonAnswer('Rows; `Content-Range` says which', rows),
      206: jsonAnswer('A part of the rows, when a count was asked for', rows),
      406: errorAnswer('not_one_row', 'not_acceptable', 'schema_not_exposed'),
      416: errorAnswer('range_not_satisfiable'),
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
    200: jsonAnswer('The rows, with `return=representation`', rows),
    204: { description: 'Done; `X-Affected-Rows` says how many' },
    409: errorAnswer('conflict'),
    ...refusals,
    400: errorAnswer(...badRequests, 'filter_required', 'too_many_rows_affected'),
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
      201: jsonAnswer('Inserted', rows),
      409: errorAnswer('conflict'),
      413: errorAnswer('payload_too_large'),
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
    200: jsonAnswer('What it returns', z.unknown()),
    204: { description: 'It returns nothing' },
    ...refusals,
    404: errorAnswer('function_not_found'),
  };
  const name = z.object({ function: z.string().describe('A function of the schema `public`.') });
  registry.registerPath({
    method: 'get',
    path: '/rpc/{function}',
    summary: 'Call a function that only reads, with arguments as parameters',
    security,
    request: { params: name, headers: preferences },
    responses: { ...called, 405: errorAnswer('read_only') },
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

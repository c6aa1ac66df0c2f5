import { createRoutes } from '@reactor/core';
import { expect, test } from 'vitest';
import { createTestData } from '../support/data.js';

const SCHEMA = `
  CREATE TYPE mood AS ENUM ('sad', 'ok');
  CREATE TABLE notes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    title text NOT NULL,
    tags text[],
    feeling mood,
    at timestamptz NOT NULL DEFAULT now(),
    price numeric(6,2)
  );
  ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
  COMMENT ON TABLE notes IS 'What people write';
  COMMENT ON COLUMN notes.title IS 'In a word';
  CREATE TABLE "odd/name" (id int);
  ALTER TABLE "odd/name" ENABLE ROW LEVEL SECURITY;
  CREATE TABLE open (id int);
  CREATE FUNCTION add(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT a + b';
  COMMENT ON FUNCTION add IS 'Adds';
`;

// Shared by the tests that only read.
const { as } = await createTestData(SCHEMA);

test('the mount point describes what requests may use', async () => {
  expect(await (await as('alice')('GET', '/')).text()).toBe(await (await as('alice')('GET', '')).text());
  const answer = await as('alice')('GET', '');
  expect(answer.headers.get('Content-Type')).toBe('application/openapi+json; charset=utf-8');
  const document = (await answer.json()) as { paths: Record<string, unknown>; components: { schemas: object } };
  expect(document).toMatchObject({ openapi: '3.1.0', servers: [{ url: '/data/v1' }] });
  expect(Object.keys(document.paths)).toEqual(['/notes', '/odd%2Fname', '/rpc/add']);
  expect(document.components.schemas).toEqual({
    notes: {
      type: 'object',
      description: 'What people write',
      properties: {
        id: { type: 'integer', format: 'int64', readOnly: true },
        title: { type: 'string', description: 'In a word' },
        tags: { type: ['array', 'null'], items: { type: 'string' } },
        feeling: { type: ['string', 'null'], enum: ['sad', 'ok', null] },
        at: { type: 'string', format: 'date-time' },
        price: { type: ['number', 'null'] },
      },
      required: ['title'],
    },
    'odd/name': { type: 'object', properties: { id: { type: ['integer', 'null'], format: 'int32' } } },
  });
  expect(document.paths['/rpc/add']).toMatchObject({
    post: {
      summary: 'Adds',
      requestBody: {
        content: { 'application/json': { schema: { required: ['a'], properties: { b: { type: 'integer' } } } } },
      },
    },
  });
});

test('the operator sees what is refused to others', async () => {
  const { paths } = (await (await as('admin')('GET', '')).json()) as { paths: object };
  expect(Object.keys(paths)).toContain('/open');
});

test('the routes are in the document of the server', async () => {
  const { data } = await createTestData('SELECT 1');
  const document = createRoutes()
    .route(data.basePath, data.routes)
    .getOpenAPI31Document({ openapi: '3.1.0', info: { title: 'x', version: '1' } });
  expect(Object.entries(document.paths ?? {}).map(([path, item]) => `${path} ${Object.keys(item)}`)).toEqual([
    '/data/v1/health get',
    '/data/v1/_admin/reload post',
    '/data/v1/_admin/migrations get,post',
    '/data/v1/_admin/migrate post',
    '/data/v1/_admin/expose post',
    '/data/v1/_admin/types/typescript get',
    '/data/v1 get',
    '/data/v1/{table} get,post,patch,put,delete',
    '/data/v1/rpc/{function} get,post',
  ]);
});

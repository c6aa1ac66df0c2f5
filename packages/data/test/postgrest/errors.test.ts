import { expect, test } from 'vitest';
import { expectAnswers, type Sent } from '../support/answers.js';
import { CINEMA } from '../support/cinema.js';
import { createTestData, refusal } from '../support/data.js';

const SCHEMA = `${CINEMA}
CREATE TABLE off (id int);
CREATE TABLE revoked (id int);
ALTER TABLE revoked ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON revoked FROM reactor_authenticated;
CREATE FUNCTION raise_state(state text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE 'no' USING ERRCODE = state; END $$;
`;

const profile = (name: string, schema: string, body?: unknown): Sent => ({
  ...(body === undefined ? {} : { body }),
  headers: { [name]: schema },
});

// Shared by the tests that only read.
const data = await createTestData(SCHEMA);
const { as } = data;

test('of the request', async () => {
  await expectAnswers(data, [
    ['GET /people?age=foo.1', '400 PGRST100 invalid_query'],
    ['GET /people?order=age.', '400 PGRST100 invalid_query'],
    ['GET /people?select=id,(age)', '400 PGRST100 invalid_query'],
    ['GET /people?columns=id', '400 PGRST100 invalid_query'],
    ['POST /people', '400 PGRST102 invalid_body', { body: '', headers: { 'Content-Type': 'application/json' } }],
    ['GET /people', '416 PGRST103 range_not_satisfiable', { headers: { Range: '9-1' } }],
    ['PUT /people?age=eq.1', '400 PGRST105 invalid_query', { body: { age: 1 } }],
    ['GET /people', '406 PGRST106 schema_not_exposed', profile('Accept-Profile', 'secret')],
    ['POST /people', '406 PGRST106 schema_not_exposed', profile('Content-Profile', 'secret', {})],
    ['GET /people?select=id&id=eq.1', [{ id: 1 }], profile('Accept-Profile', 'public')],
    ['GET /people', '406 PGRST107 not_acceptable', { headers: { Accept: 'image/png' } }],
    ['GET /films?actors.id=eq.1', '400 PGRST108 invalid_query'],
    ['GET /people?id=eq.99', '406 PGRST116 not_one_row', { headers: { Accept: 'application/vnd.pgrst.object+json' } }],
    ['REPORT /people', '405 PGRST117 method_not_allowed'],
    ['GET /directors?select=films(id)&order=films(id)', '400 PGRST118 invalid_query'],
    ['GET /films?select=actors(id)&actors=eq.1', '400 PGRST120 invalid_query'],
    ['GET /people', '400 PGRST122 invalid_query', { headers: { Prefer: 'handling=strict, nothing' } }],
    [
      'DELETE /people?id=gt.0',
      '400 PGRST124 too_many_rows_affected',
      { headers: { Prefer: 'handling=strict, max-affected=0' } },
    ],
  ]);
});

test('of the schema', async () => {
  await expectAnswers(data, [
    ['GET /films?select=people(id)', '400 PGRST200 relationship_not_found'],
    ['GET /orders?select=addresses(id)', '300 PGRST201 ambiguous_embed'],
    ['POST /rpc/unknown', '404 PGRST202 function_not_found'],
    ['POST /people?columns=shoe', '400 PGRST204 column_not_found', { body: {} }],
    ['GET /peopel', '404 PGRST205 table_not_found'],
    ['GET /people?shoe=eq.1', '400 42703 column_not_found'],
    ['GET /off', '403 42501 row_security_off'],
    ['GET /revoked', '403 42501 permission_denied'],
  ]);
});

test('of PostgreSQL', async () => {
  const raised = (state: string) => ({ body: { state } });
  await expectAnswers(data, [
    ['GET /films?title=fts.a b', '400 42601 statement_rejected'],
    ['GET /films?title=fts(nolang).a', '400 42704 statement_rejected'],
    ['GET /films?select=language,count()&order=title', '400 42803 statement_rejected'],
    ['GET /films?id=like.1', '400 42883 statement_rejected'],
    ['GET /films?id=eq.one', '400 22P02 invalid_value'],
    ['GET /films?id=eq.99999999999', '400 22003 invalid_value'],
    ['GET /films?shown=ov.[2,', '400 22P02 invalid_value'],
    ['GET /films?title=match.(', '400 2201B invalid_value'],
    ['POST /people', '409 23505 conflict', { body: { id: 1 } }],
    ['POST /screenings', '409 23503 conflict', { body: { id: 9, film_id: 99 } }],
    ['POST /films', '400 23502 constraint_violation', { body: { id: 9, year: 1 } }],
    ['POST /rpc/raise_state', '400 P0001 raised_by_function', raised('P0001')],
    ['POST /rpc/raise_state', '409 PT409 raised_by_function', raised('PT409')],
    ['POST /rpc/raise_state', '503 40001 write_conflict', raised('40001')],
    ['POST /rpc/raise_state', '404 42P01 table_not_found', raised('42P01')],
    ['POST /rpc/raise_state', '500 42P17 internal_error', raised('42P17')],
    ['POST /rpc/raise_state', '500 XX000 internal_error', raised('XX000')],
  ]);
});

test('of the token', async () => {
  const unknown = await as('forged')('GET', '/people');
  expect(await refusal(unknown)).toBe('401 PGRST301 invalid_token');
  const stranger = await as(undefined)('DELETE', '/people?id=eq.1');
  expect(await refusal(stranger)).toBe('401 42501 permission_denied');
});

test('say what was meant, in both shapes', async () => {
  const answer = await as('alice')('GET', '/peopel');
  expect(await answer.json()).toMatchObject({
    code: 'PGRST205',
    message: 'there is no table or view "peopel"',
    details: null,
    hint: 'Perhaps "people" was meant.',
    error: { code: 'table_not_found', status: 404, message: 'there is no table or view "peopel"' },
  });
});

import { expect, test } from 'vitest';
import { expectAnswers } from '../support/answers.js';
import { CINEMA } from '../support/cinema.js';
import { createTestData } from '../support/data.js';

const OBJECT = 'application/vnd.pgrst.object+json';
const ARRAY = 'application/vnd.pgrst.array+json';
const PLAN = 'application/vnd.pgrst.plan';

/** The Accept header sent, and the type that is answered beside the body. */
const accept = (Accept: string) => ({ headers: { Accept }, show: ['Content-Type'] });

const JSON_TYPE = 'application/json; charset=utf-8';
const one = [{ id: 1 }];

// Shared by the tests that only read.
const data = await createTestData(CINEMA);

test('arrays and single objects', async () => {
  await expectAnswers(data, [
    ['GET /people?select=id&id=eq.1', [JSON_TYPE, one], accept('application/json')],
    ['GET /people?select=id&id=eq.1', [JSON_TYPE, one], accept('*/*')],
    ['GET /people?select=id&id=eq.1', [JSON_TYPE, one], accept('text/html;q=0.9, application/json;q=0.5')],
    ['GET /people?select=id&id=eq.1', [`${ARRAY}; charset=utf-8`, one], accept(ARRAY)],
    ['GET /people?select=id&id=eq.1', [`${OBJECT}; charset=utf-8`, { id: 1 }], accept(OBJECT)],
    ['GET /people?select=id&id=eq.1', [`${OBJECT}; charset=utf-8`, { id: 1 }], accept('application/vnd.pgrst.object')],
    ['GET /people?select=id&id=eq.1', [`${OBJECT}; charset=utf-8`, { id: 1 }], accept(`text/csv;q=0.1, ${OBJECT}`)],
    ['GET /people?id=eq.99', '406 PGRST116 not_one_row', { headers: { Accept: OBJECT } }],
    ['GET /people', '406 PGRST116 not_one_row', { headers: { Accept: OBJECT } }],
    ['HEAD /people?id=eq.1', [200, ''], { headers: { Accept: OBJECT }, show: ['status'] }],
    ['GET /people', '406 PGRST107 not_acceptable', { headers: { Accept: 'text/html' } }],
    ['GET /people', '406 PGRST107 not_acceptable', { headers: { Accept: 'application/geo+json' } }],
    ['GET /people', '406 PGRST107 not_acceptable', { headers: { Accept: 'application/json;q=0' } }],
  ]);
});

test('without the members that are null', async () => {
  const stripped = (type: string) => `${type}; nulls=stripped; charset=utf-8`;
  await expectAnswers(data, [
    [
      'GET /people?select=id,age&id=gt.2&order=id',
      [stripped(ARRAY), [{ id: 3, age: 14 }, { id: 4 }]],
      accept(`${ARRAY};nulls=stripped`),
    ],
    ['GET /people?select=id,age&id=eq.4', [stripped(OBJECT), { id: 4 }], accept(`${OBJECT};nulls=stripped`)],
    [
      'GET /films?select=id,directors(id,mentor_id)&id=in.(1,5)&order=id',
      [stripped(ARRAY), [{ id: 1, directors: { id: 1 } }, { id: 5 }]],
      accept(`${ARRAY};nulls=stripped`),
    ],
    ['GET /people?select=age&id=eq.4', [stripped(ARRAY), [{}]], accept(`${ARRAY};nulls=stripped`)],
  ]);
});

test('CSV', async () => {
  const csv = (request: string, body: string) =>
    [request, ['text/csv; charset=utf-8', body], accept('text/csv')] as const;
  await expectAnswers(data, [
    csv(
      'GET /people?select=id,first_name,last_name,age&order=id&id=gt.2',
      'id,first_name,last_name,age\n3,Mary,"Hebdon,Williams",14\n4,"Samuel ""Sam""",Beckett,',
    ),
    csv('GET /people?select=id,age&id=eq.99', 'id,age'),
    csv('GET /films?select=id,tags,directors(id)&id=eq.2', 'id,tags,directors\n2,"{sword,rain}","{""id"":2}"'),
    csv('GET /invoices?select=n:count(),total:amount.sum()', 'n,total\n4,1876.53'),
  ]);
});

test('plans, where they are enabled', async () => {
  await expectAnswers(data, [['GET /people', '406 PGRST107 not_acceptable', { headers: { Accept: PLAN } }]]);
  const on = await createTestData(CINEMA, { config: { planEnabled: true } });
  const plan = async (Accept: string, method = 'GET', path = '/people?id=eq.1', init: RequestInit = {}) => {
    const answer = await on.as('alice')(method, path, { ...init, headers: { Accept, ...init.headers } });
    return [answer.status, answer.headers.get('Content-Type'), await answer.text()] as const;
  };
  const [status, type, text] = await plan(PLAN);
  expect([status, type]).toEqual([200, 'application/vnd.pgrst.plan+text; charset=utf-8']);
  expect(text).toContain('people_pkey');
  const [, jsonType, json] = await plan(`${PLAN}+json; options=analyze|verbose|buffers|settings|wal`);
  expect(jsonType).toBe('application/vnd.pgrst.plan+json; charset=utf-8');
  expect(JSON.parse(json)).toEqual([expect.objectContaining({ 'Execution Time': expect.any(Number) })]);
  expect((await plan(`${PLAN}+text; for="${OBJECT}"; options=verbose`))[2]).toContain('Output:');
  expect((await plan(`${PLAN}+json; options=nonsense`))[0]).toBe(406);
  expect((await plan(PLAN, 'DELETE'))[2]).toContain('Delete on people');
  expect((await plan(`${PLAN}; options=analyze`, 'DELETE'))[2]).toContain('Execution Time');
  // It was carried out, and undone.
  await expectAnswers(on, [['GET /people?select=id&id=eq.1', one]]);
});

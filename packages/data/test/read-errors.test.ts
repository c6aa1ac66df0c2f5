import { expect, test } from 'vitest';
import { planRead } from '../src/plan/index.js';
import { parseReadRequest, QueryError } from '../src/query/index.js';
import type { SchemaModel } from '../src/schema/model.js';
import { FILMS } from './support/films.js';
import { planned } from './support/planned.js';

function refusal(model: SchemaModel, url: string): QueryError {
  const [relation = '', query = ''] = url.split('?', 2);
  try {
    planRead(model, relation, parseReadRequest(new URLSearchParams(query)));
  } catch (error) {
    if (error instanceof QueryError) return error;
    throw error;
  }
  throw new Error(`${url} was accepted`);
}

// Shared by the tests that only read.
const { model } = await planned(FILMS);

test('what the schema does not have is named, with what was likely meant', async () => {
  const cases: [url: string, expected: Partial<QueryError>][] = [
    [
      'film',
      {
        status: 404,
        code: 'PGRST205',
        message: 'there is no table or view "film"',
        hint: 'Perhaps "films" was meant.',
      },
    ],
    ['pg_class', { status: 404, code: 'PGRST205', hint: null }],
    [
      'films?select=titel',
      { status: 400, code: '42703', message: '"films" has no column "titel"', hint: 'Perhaps "title" was meant.' },
    ],
    ['films?xmin=eq.1', { status: 400, code: '42703' }],
    ['films?order=nope', { code: '42703' }],
    ['films?or=(id.eq.1,nope.eq.2)', { code: '42703' }],
    ['films?select=nope.sum()', { code: '42703' }],
    ['films?select=directors(nope)', { code: '42703', message: '"directors" has no column "nope"' }],
    ['films?select=directors(id)&directors.nope=eq.1', { code: '42703' }],
    ['films?select=directors(id)&order=directors(nope)', { code: '42703' }],
    ['films?select=id::regclass', { status: 400, code: '42704' }],
    ['films?select=id::text)--', { code: 'PGRST100' }],
    ['films?select=orders(id)', { status: 400, code: 'PGRST200', reason: 'relationship_not_found' }],
    ['films?select=director(id)', { code: 'PGRST200', hint: 'Perhaps "directors" was meant.' }],
    [
      'films?select=directors!nope(id)',
      { code: 'PGRST200', message: '"films" and "directors" have no relationship by "nope"' },
    ],
    ['films?select=roles(id:films(roles(nope(a))))', { code: 'PGRST200' }],
    ['films?select=id&order=directors(id)', { code: 'PGRST108' }],
    ['directors?select=films(id)&order=films(id)', { code: 'PGRST118' }],
    ['films?select=directors(id)&directors=gt.1', { code: 'PGRST120' }],
  ];
  for (const [url, expected] of cases) expect({ url, ...refusalOf(model, url) }).toMatchObject({ url, ...expected });
});

function refusalOf(model: SchemaModel, url: string) {
  const { status, code, message, hint, reason, details } = refusal(model, url);
  return { status, code, message, hint, reason, details };
}

test('an embed that could mean several things names them', async () => {
  expect(refusalOf(model, 'orders?select=addresses(city)')).toEqual({
    reason: 'ambiguous_embed',
    status: 300,
    code: 'PGRST201',
    message: '"orders" and "addresses" have more than one relationship',
    hint: 'Name one of them: "addresses!orders_billing", "addresses!orders_shipping".',
    details: [
      { cardinality: 'many-to-one', relationship: 'orders_billing', embedding: 'orders with addresses' },
      { cardinality: 'many-to-one', relationship: 'orders_shipping', embedding: 'orders with addresses' },
    ],
  });
  expect(refusalOf(model, 'directors?select=directors(id)')).toMatchObject({ code: 'PGRST201' });
});

test('nothing is read where the database would not enforce policies', async () => {
  const { model, query } = await planned(`${FILMS};
    CREATE VIEW owned AS SELECT * FROM films;
    CREATE VIEW invoked WITH (security_invoker) AS SELECT * FROM films;
    CREATE MATERIALIZED VIEW kept AS SELECT * FROM films;
  `);
  expect(planRead(model, 'invoked', parseReadRequest([])).text).toContain('"public"."invoked"');
  expect(refusalOf(model, 'owned')).toMatchObject({ status: 403, code: '42501', reason: 'row_security_off' });
  expect(refusalOf(model, 'kept')).toMatchObject({ status: 403, code: '42501' });
  const off = (name: string): SchemaModel => {
    const relation = model.relations.get(name);
    if (relation === undefined) throw new Error(name);
    return { ...model, relations: new Map(model.relations).set(name, { ...relation, rowSecurity: false }) };
  };
  for (const [name, url] of [
    ['films', 'films'],
    ['directors', 'films?select=id,directors(id)'],
    ['directors', 'films?select=id,...directors(id)'],
    ['directors', 'films?select=id,directors()&directors=is.null'],
    ['directors', 'films?select=id,directors!inner()'],
    ['directors', 'films?select=id,directors()&order=directors(id)'],
    ['roles', 'actors?select=id,films(id)'],
    ['roles', 'actors?select=id,films!inner()'],
    ['invoked', 'invoked'],
  ] as const) {
    expect({ url, ...refusalOf(off(name), url) }).toMatchObject({ url, status: 403, code: '42501' });
  }
  expect(refusalOf(off('films'), 'films')).toMatchObject({
    message: 'row-level security is off for "films"',
    hint: 'An operator can switch it on: ALTER TABLE "films" ENABLE ROW LEVEL SECURITY.',
  });
  await query('SELECT 1');
});

test('a level has no more columns than PostgreSQL can return', async () => {
  const columns = Array.from({ length: 600 }, (_, index) => `c${index} int`);
  const { model } = await planned(`CREATE TABLE wide (${columns.join(', ')})`);
  expect(planRead(model, 'wide', parseReadRequest([['select', '*,*']])).values).toEqual([]);
  expect(refusalOf(model, 'wide?select=*,*,*').message).toContain('at most 1600');
});

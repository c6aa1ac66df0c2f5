import { expect, test } from 'vitest';
import { parseCallRequest, parseReadRequest, parseRows, parseWriteRequest, QueryError } from './index.js';

const read = (query: string) => parseReadRequest(new URLSearchParams(query));

function refusal(work: () => unknown): QueryError {
  try {
    work();
  } catch (error) {
    if (error instanceof QueryError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

const column = (name: string) => ({ kind: 'column', field: { column: name, path: [] } });
const eq = (name: string, operand: string) => ({
  kind: 'comparison',
  field: { column: name, path: [] },
  negated: false,
  operator: 'eq',
  operand,
});

test('nothing selected is everything selected', () => {
  expect(read('')).toEqual({ select: [{ kind: 'all' }], where: [], order: [] });
  expect(read('select=')).toEqual(read('select=*'));
});

test.each([
  ['a,b', [column('a'), column('b')]],
  ['full:name', [{ ...column('name'), alias: 'full' }]],
  ['salary::text', [{ ...column('salary'), cast: 'text' }]],
  ['full:tags::text[]', [{ ...column('tags'), alias: 'full', cast: 'text[]' }]],
  ['"a b","c,""d"', undefined],
  ['"a.b":"c,\\"d"', [{ ...column('c,"d'), alias: 'a.b' }]],
  [
    'data->phones->0->>number',
    [
      {
        kind: 'column',
        field: {
          column: 'data',
          path: [
            { as: 'json', key: 'phones' },
            { as: 'json', key: 0 },
            { as: 'text', key: 'number' },
          ],
        },
      },
    ],
  ],
  ['data->-1', [{ kind: 'column', field: { column: 'data', path: [{ as: 'json', key: -1 }] } }]],
  ['data->"0"', [{ kind: 'column', field: { column: 'data', path: [{ as: 'json', key: '0' }] } }]],
  ['last-name->a-b', [{ kind: 'column', field: { column: 'last-name', path: [{ as: 'json', key: 'a-b' }] } }]],
  ['count()', [{ kind: 'count' }]],
  ['n:count()::text', [{ kind: 'count', alias: 'n', cast: 'text' }]],
  [
    'total:amount::numeric.sum()::text',
    [{ ...column('amount'), alias: 'total', cast: 'numeric', aggregate: { function: 'sum', cast: 'text' } }],
  ],
  ['count', [column('count')]],
  ['日本語,naïve_$1', [column('日本語'), column('naïve_$1')]],
])('select=%s', (text, items) => {
  const work = () => parseReadRequest([['select', text]]).select;
  if (items === undefined) expect(refusal(work).code).toBe('PGRST100');
  else expect(work()).toEqual(items);
});

test('resources embed in resources, with hints, joins, aliases and spreads', () => {
  expect(read('select=id,by:authors!books_author_fkey!inner(name,...houses!left(city),tags())').select).toEqual([
    column('id'),
    {
      kind: 'embed',
      target: 'authors',
      hint: 'books_author_fkey',
      join: 'inner',
      spread: false,
      alias: 'by',
      query: {
        select: [
          column('name'),
          {
            kind: 'embed',
            target: 'houses',
            join: 'left',
            spread: true,
            query: { select: [column('city')], where: [], order: [] },
          },
          { kind: 'embed', target: 'tags', join: 'left', spread: false, query: { select: [], where: [], order: [] } },
        ],
        where: [],
        order: [],
      },
    },
  ]);
});

test('filters of one column add up, and the value is everything after the operator', () => {
  expect(read('age=gte.18&age=lt.65').where).toMatchObject([
    { operator: 'gte', operand: '18' },
    { operator: 'lt', operand: '65' },
  ]);
  expect(read('url=eq.http://a.b/(c),"d"').where).toEqual([eq('url', 'http://a.b/(c),"d"')]);
  expect(read('name=eq.').where).toEqual([eq('name', '')]);
});

test.each([
  ['a=not.eq.1', { negated: true, operator: 'eq', operand: '1' }],
  ['a=like(any).{a*,b*}', { operator: 'like', quantifier: 'any', operand: '{a*,b*}' }],
  ['a=not.ilike(all).{a,b}', { negated: true, operator: 'ilike', quantifier: 'all' }],
  ['a=is.null', { kind: 'is', value: 'null' }],
  ['a=is.NOT_NULL', { kind: 'is', value: 'not_null' }],
  ['a=not.is.true', { kind: 'is', negated: true, value: 'true' }],
  ['a=in.(1,2)', { kind: 'in', values: ['1', '2'] }],
  ['a=in.()', { kind: 'in', values: [] }],
  ['a=in.("")', { kind: 'in', values: [''] }],
  ['a=in.("b,c","d)\\"e\\\\",f g)', { kind: 'in', values: ['b,c', 'd)"e\\', 'f g'] }],
  ['a=not.in.(x)', { kind: 'in', negated: true, values: ['x'] }],
  ['a=fts(english).cat %26 rat', { kind: 'text search', operator: 'fts', language: 'english', operand: 'cat & rat' }],
  ['a=wfts.the rat', { kind: 'text search', operator: 'wfts', operand: 'the rat' }],
  ['a=cs.{1,2}', { operator: 'cs', operand: '{1,2}' }],
  ['a=ov.[1,5)', { operator: 'ov', operand: '[1,5)' }],
  ['a->>b=eq.c', { operator: 'eq', field: { column: 'a', path: [{ as: 'text', key: 'b' }] } }],
])('%s', (query, condition) => {
  expect(read(query).where).toMatchObject([condition]);
});

test('groups nest, negate and quote', () => {
  expect(read('or=(a.eq.1,not.and(b.eq."x,)y",c.not.in.(1,2)),d.cs.{e,"f}"},g->>h.eq.)').where).toMatchObject([
    {
      kind: 'group',
      operator: 'or',
      negated: false,
      conditions: [
        eq('a', '1'),
        {
          kind: 'group',
          operator: 'and',
          negated: true,
          conditions: [eq('b', 'x,)y'), { kind: 'in', negated: true, values: ['1', '2'] }],
        },
        { operator: 'cs', operand: '{e,"f}"}' },
        { operator: 'eq', operand: '', field: { column: 'g', path: [{ as: 'text', key: 'h' }] } },
      ],
    },
  ]);
  expect(read('not.or=(a.eq.1,b.eq.2)').where).toMatchObject([{ operator: 'or', negated: true }]);
  expect(read('or=(a.eq.1,b.eq.2)&or=(c.eq.1,d.eq.2)').where).toHaveLength(2);
  expect(read('"or"=eq.1').where).toEqual([eq('or', '1')]);
});

test('order', () => {
  expect(read('order=a.desc.nullslast,b,c->>d.nullsfirst,e(f).asc').order).toEqual([
    { field: { column: 'a', path: [] }, direction: 'desc', nulls: 'last' },
    { field: { column: 'b', path: [] }, direction: 'asc' },
    { field: { column: 'c', path: [{ as: 'text', key: 'd' }] }, direction: 'asc', nulls: 'first' },
    { relation: 'e', field: { column: 'f', path: [] }, direction: 'asc' },
  ]);
});

test('an embedded resource has filters, order and limits of its own, whatever comes first', () => {
  const query = read(
    'b.c.d=eq.1&b.order=x.desc&b.limit=5&b.offset=2&b.not.or=(y.eq.1,z.eq.2)&limit=9&select=b:a(c(d))',
  );
  expect(query.limit).toBe(9);
  expect(query.select[0]).toMatchObject({
    query: {
      order: [{ direction: 'desc' }],
      limit: 5,
      offset: 2,
      where: [{ operator: 'or', negated: true }],
      select: [{ query: { where: [eq('d', '1')] } }],
    },
  });
});

test('a write has columns and a conflict target', () => {
  expect(parseWriteRequest(new URLSearchParams('columns="a b",c&on_conflict=d,e&id=eq.1'))).toMatchObject({
    columns: ['a b', 'c'],
    onConflict: ['d', 'e'],
    query: { where: [eq('id', '1')] },
  });
});

test('a call tells arguments from filters', () => {
  const call = parseCallRequest(new URLSearchParams('n=1&v=a&v=b&id=eq.1&limit=2'), new Set(['n', 'v']));
  expect([...call.arguments]).toEqual([
    ['n', ['1']],
    ['v', ['a', 'b']],
  ]);
  expect(call.query).toMatchObject({ where: [eq('id', '1')], limit: 2 });
});

test.each([
  ['select=a,', '"select", character 3: expected a column, a relation or *, found the end'],
  ['select=a b(', /"select", character 5: expected a column/],
  ['select=a.median()', /"select", character 3: expected one of count\(\), sum\(\)/],
  ['select=a(b),a(c)', /"select", character 6: expected an alias/],
  ['select=a!b!c(d)', /no more than one hint/],
  ['select=...a:b(c)', /character 5: expected "\("/],
  ['select=a->', /expected a JSON key or index/],
  ['select=a->99999999999', /an index of at most 2147483647/],
  ['select=a&select=b', /"select", character 1: expected no second select/],
  ['a=1', '"a", character 1: expected an operator (eq, neq,'],
  ['a=eqq.1', '"a", character 1: expected an operator'],
  ['a=eq', /character 3: expected "\."/],
  ['a=not.not.eq.1', /expected "\."|expected an operator/],
  ['a=cs(any).{1}', /expected "\."/],
  ['a=is.5', 'expected one of null, not_null, true, false, unknown'],
  ['a=in.1,2', 'expected "("'],
  ['a=in.(1,2', 'expected ")", found the end'],
  ['a=in.("1"2)', /character 8: expected "\)", found "2\)"/],
  ['a=in.(1)2', 'expected the end, found "2"'],
  ['or=()', 'expected a column'],
  ['or=a.eq.1', 'expected "("'],
  ['or=(a.eq.1)x', 'expected the end'],
  ['or=(a.cs.{1)', 'expected a closing }'],
  ['order=a.up', /asc or desc/],
  ['order=a.nullslast.desc', /asc or desc/],
  ['order=a&order=b', /no second order/],
  ['limit=-1', '"limit", character 1: expected a whole number from 0'],
  ['limit=1.5', 'expected the end'],
  ['limit=99999999999999999999', 'a whole number from 0'],
  ['limit=1&limit=2', /no second limit/],
  ['columns=a', /requests that write rows/],
  ['"a=eq.1', 'expected a closing "'],
  ['a..b=eq.1', '"a..b", character 3: expected a column'],
  ['%00=eq.1', 'NUL'],
  ['a=eq.%00', 'NUL'],
])('%s is refused, and the place is named', (query, message) => {
  const error = refusal(() => read(query));
  expect(error).toMatchObject({ code: 'PGRST100', status: 400, reason: 'invalid_query' });
  if (typeof message === 'string') expect(error.message).toContain(message);
  else expect(error.message).toMatch(message);
});

test.each(['0', '-', '12345', '1a', '.english', ''])('a text search configuration is a name, not %j', (language) => {
  expect(refusal(() => read(`a=fts(${language}).cat`)).message).toContain('expected a text search configuration');
});

test('a filter on what is not embedded is refused', () => {
  expect(refusal(() => read('select=a(b)&c.d=eq.1'))).toMatchObject({ code: 'PGRST108', status: 400 });
  expect(refusal(() => read('select=x:a(b)&a.d=eq.1')).message).toBe('"a" is not an embedded resource in this request');
});

test('each limit holds at its edge', () => {
  const limits = { maxLength: 40, maxEmbedDepth: 2, maxEmbeds: 3, maxGroupDepth: 2, maxTerms: 4 };
  const check = (query: string) => parseReadRequest(new URLSearchParams(query), limits);
  expect(check(`a=eq.${'x'.repeat(36)}`).where).toHaveLength(1);
  expect(refusal(() => check(`a=eq.${'x'.repeat(37)}`)).message).toContain('at most 40');
  expect(check('select=a(b(c))').select).toHaveLength(1);
  expect(refusal(() => check('select=a(b(c(d)))')).message).toBe(
    'the query embeds too many levels; at most 2 are accepted',
  );
  expect(check('or=(and(a.eq.1))').where).toHaveLength(1);
  expect(refusal(() => check('or=(or(or(a.eq.1)))')).message).toBe(
    'the query nests too many groups; at most 2 are accepted',
  );
  expect(check('select=a,b&order=c&d=eq.1').select).toHaveLength(2);
  expect(refusal(() => check('select=a,b&order=c,d&e=eq.1')).message).toContain('too many terms; at most 4');
  expect(check('select=a(),b()&order=a(c)').order).toHaveLength(1);
  for (const query of ['select=a(),b(),c(d())', 'select=a(),b()&order=a(c),b(c)']) {
    expect(refusal(() => check(query)).message).toContain('embeds too much; at most 3');
  }
});

test('rows keep their text and have the same keys', () => {
  expect(parseRows('{"a":1.10,"b":null}')).toEqual({ json: '[{"a":1.10,"b":null}]', columns: ['a', 'b'], rowCount: 1 });
  expect(parseRows('[{"a":1,"b":2},{"b":3,"a":4}]')).toMatchObject({ columns: ['a', 'b'], rowCount: 2 });
  expect(parseRows('[]')).toEqual({ json: '[]', columns: [], rowCount: 0 });
  expect(parseRows('[{"a":1},{"b":2}]', ['a', 'b', 'a'])).toMatchObject({ columns: ['a', 'b'] });
});

test('a body nests to the limit and no deeper', () => {
  const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}"]\\"["${']'.repeat(depth - 1)}}`;
  expect(parseRows(nested(1000)).columns).toEqual(['a']);
  expect(refusal(() => parseRows(nested(1001))).message).toBe(
    'The body nests too deep; at most 1000 levels are accepted.',
  );
  expect(parseRows(`[${'{"a":[]},'.repeat(2000)}{"a":{}}]`).rowCount).toBe(2001);
});

test.each([
  ['', /not valid JSON/],
  ['{', /not valid JSON/],
  ['5', /must be a JSON object/],
  ['null', /must be a JSON object/],
  ['[1]', /must be a JSON object/],
  ['[[]]', /must be a JSON object/],
  ['[{"a":1},{"b":2}]', /same keys/],
  ['[{"a":1,"b":2},{"a":2}]', /same keys/],
  ['[{"a":1},{"a":2,"b":2}]', /same keys/],
])('the body %s is refused', (text, message) => {
  const error = refusal(() => parseRows(text));
  expect(error).toMatchObject({ code: 'PGRST102', status: 400, reason: 'invalid_body' });
  expect(error.message).toMatch(message);
});

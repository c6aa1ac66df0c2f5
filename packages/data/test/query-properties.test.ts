import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseCallRequest, parseReadRequest, parseRows, parseWriteRequest, QueryError } from '../src/query/index.js';
import { ALL_OPERATORS, arbitraryField, arbitraryQuery, type Vocabulary } from './support/arbitrary-query.js';
import { queryParameters } from './support/query-text.js';

/** Text of any characters that a query can carry. */
const anyText = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }).filter((text) => !text.includes('\0'));

const words: Vocabulary = {
  ...ALL_OPERATORS,
  field: arbitraryField(anyText, anyText),
  text: anyText,
  cast: fc.constantFrom('text', 'double precision', 'int4[]'),
  language: fc.constantFrom('english', 'pg_catalog.simple'),
  embeds: ['a', 'b.c', 'd "e"'].map((target) => ({ target, hint: 'x!y', toOne: true, inside: () => words })),
};

/** Pieces of the grammar, so that random text gets deep into it. */
const grammarPiece = fc.constantFrom(
  ...'a b id select order limit offset and or not columns on_conflict eq in is cs fts like any all null inner left count sum text -> ->> :: ... ( ) { } [ ] , . : ! * " \\ " \' ; $1 % 0 -1 99 é 日 \u0301 \ud83d\ude00'.split(
    ' ',
  ),
  ' ',
  '\n',
  '->',
  'eq.',
  'in.(',
  'or=(',
);
const nonsense = fc.oneof(
  fc.array(grammarPiece, { maxLength: 24 }).map((pieces) => pieces.join('')),
  fc.string({ unit: 'binary' }),
);

/** Whether it was understood; a QueryError of 400 says no, and anything else fails the test. */
function understood(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (error instanceof QueryError && error.status === 400 && error.message !== '') return false;
    throw error;
  }
}

test('what is written is what is read', () => {
  fc.assert(
    fc.property(arbitraryQuery(words, 2), (query) => {
      // Nothing selected at the root means everything.
      const expected = query.select.length === 0 ? { ...query, select: [{ kind: 'all' }] } : query;
      expect(parseReadRequest(queryParameters(query))).toEqual(expected);
    }),
    { numRuns: 500 },
  );
});

test('any other text is understood or refused, and never anything else', () => {
  let accepted = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(nonsense, nonsense), { maxLength: 4 }), nonsense, (parameters, select) => {
      const all: [string, string][] = [['select', select], ...parameters];
      if (understood(() => parseReadRequest(all))) accepted += 1;
      understood(() => parseReadRequest(parameters));
      understood(() => parseWriteRequest([...all, ['columns', select]]));
      understood(() => parseCallRequest(all, new Set(['a', 'id'])));
      understood(() => parseRows(select));
    }),
    { numRuns: 3000 },
  );
  expect(accepted).toBeGreaterThan(0);
});

test('a refusal is as short as its cause is long', () => {
  const long = 'x'.repeat(60_000);
  for (const [name, value] of [
    [long, 'eq'],
    [`${long}"`, 'eq.1'],
    ['a', long],
    ['select', `${long}"`],
    ['order', `${long}.up`],
    [`${long}.a`, 'eq.1'],
  ] as const) {
    const error = (() => {
      try {
        return parseReadRequest([[name, value]]);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(QueryError);
    expect((error as QueryError).message.length).toBeLessThan(500);
    expect(JSON.stringify((error as QueryError).details).length).toBeLessThan(500);
  }
});

/** A quadratic reader would need hours for these. */
test('hostile text is read in linear time', () => {
  const n = 1_000_000;
  const limits = { maxLength: 10 * n, maxEmbedDepth: 5, maxEmbeds: n, maxGroupDepth: 10, maxTerms: 10 * n };
  const cases: [name: string, value: string][] = [
    ['select', 'a'.repeat(n)],
    ['select', '-'.repeat(n)],
    ['select', `${'a-'.repeat(n)}->`],
    ['select', `a${'->b'.repeat(n / 2)}`],
    ['select', 'a,'.repeat(n)],
    ['select', ' '.repeat(n)],
    ['select', '"'.repeat(n)],
    ['select', `"${'\\'.repeat(n)}`],
    ['select', '('.repeat(n)],
    ['select', 'a('.repeat(n)],
    ['select', 'a!b'.repeat(n)],
    ['select', '...'.repeat(n)],
    ['select', ':'.repeat(n)],
    ['a', `in.(${'"'.repeat(n)}`],
    ['a', `in.(${'"\\",'.repeat(n)}`],
    ['a', `in.(${'a,'.repeat(n)})`],
    ['a', `not.${'not.'.repeat(n)}`],
    ['or', '('.repeat(n)],
    ['or', 'or('.repeat(n)],
    ['or', `(${'a.eq.1,'.repeat(n / 10)}`],
    ['or', `(a.cs.${'{'.repeat(n)}`],
    ['or', `(a.cs.${'{"'.repeat(n)}`],
    ['or', `(a.cs.{${'"\\"'.repeat(n)}}`],
    ['or', `(a.cs.{"${'\\"'.repeat(n)}`],
    ['order', `a${'.asc'.repeat(n)}`],
    ['order', 'a.asc,'.repeat(n / 10)],
    [`${'a.'.repeat(n)}b`, 'eq.1'],
    [`a${'->b'.repeat(n / 2)}`, 'eq.1'],
    ['limit', '9'.repeat(n)],
  ];
  for (const [name, value] of cases) understood(() => parseReadRequest([[name, value]], limits));
  const repeated = Array.from({ length: 200_000 }, (): [string, string] => ['a', '1']);
  understood(() => parseCallRequest(repeated, new Set(['a']), limits));
  understood(() => parseWriteRequest([['columns', 'a,'.repeat(n)]], limits));
  understood(() => parseRows(`[${'{"a":1},'.repeat(n / 10)}{"a":2}]`));
  understood(() => parseRows('['.repeat(n)));
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Plan, planRead, type Statement } from '../src/plan/index.js';
import { parseReadRequest, QueryError, type ReadQuery } from '../src/query/index.js';
import { ALL_OPERATORS, arbitraryField, arbitraryQuery, type Vocabulary } from './support/arbitrary-query.js';
import { FILMS } from './support/films.js';
import { planned } from './support/planned.js';
import { queryParameters } from './support/query-text.js';

/** Stands in every word that a caller makes up, so that it is found wherever it ends up. */
const MARK = '☠';

const hostileText = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 8 }).filter((text) => !text.includes('\0')),
    fc.constantFrom(
      "'",
      '"',
      "';--",
      '");--',
      '$1',
      '$$',
      '\\',
      '/*',
      "' OR '1'='1",
      '{1,2}',
      '{"a":1}',
      '[1,5)',
      '%',
      '*',
    ),
  )
  .map((text) => `${text}${MARK}`);

type Words = Omit<Vocabulary, 'embeds' | 'field'>;

/** Whatever the grammar allows, fitting or not. */
const wild: Words = {
  ...ALL_OPERATORS,
  text: hostileText,
  cast: fc.constantFrom('text', 'int', 'jsonb', 'mood', 'text[]'),
  language: fc.constantFrom('english', 'simple', 'klingon'),
};

/** What PostgreSQL can do with text. */
const fitting: Words = {
  text: hostileText,
  cast: fc.constant('text'),
  language: fc.constantFrom('english', 'simple'),
  comparisons: ['eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'like', 'ilike', 'isdistinct'],
  isValues: ['null', 'not_null'],
  aggregates: ['count', 'min', 'max'],
};

/** Films and what they embed, each with the columns that `fieldsOf` picks for it. */
function filmWords(words: Words, fieldsOf: (all: readonly string[], text: readonly string[]) => Vocabulary['field']) {
  const vocabulary = (all: readonly string[], text: readonly string[], embeds: Vocabulary['embeds']): Vocabulary => ({
    ...words,
    field: fieldsOf(all, text),
    embeds,
  });
  const films = (): Vocabulary =>
    vocabulary(
      ['id', 'title', 'year', 'rating', 'tags', 'info', 'shown', 'mood', 'released', 'search'],
      ['title', 'language'],
      [
        { target: 'directors', toOne: true, inside: directors },
        { target: 'technical_specs', toOne: true, inside: specs },
        { target: 'actors', inside: actors },
      ],
    );
  const directors = (): Vocabulary =>
    vocabulary(
      ['id', 'first_name', 'mentor_id'],
      ['first_name', 'last_name'],
      [
        { target: 'films', inside: films },
        { target: 'mentor_id', toOne: true, inside: directors },
        { target: 'directors', hint: 'mentor_id', inside: directors },
      ],
    );
  const actors = () => vocabulary(['id', 'name'], ['name'], [{ target: 'films', inside: films }]);
  const specs = () =>
    vocabulary(['film_id', 'camera', 'runtime'], ['camera'], [{ target: 'films', toOne: true, inside: films }]);
  return films();
}

const options = fc.record(
  {
    format: fc.constantFrom('array' as const, 'object' as const, 'csv' as const),
    stripNulls: fc.boolean(),
    count: fc.constantFrom('exact' as const, 'planned' as const, 'estimated' as const),
    maxRows: fc.integer({ min: 1, max: 50 }),
  },
  { requiredKeys: [] },
);

/** The same query with every made-up word changed, each to one of its own. */
function reworded(query: ReadQuery): ReadQuery {
  return JSON.parse(JSON.stringify(query), (_, value) =>
    typeof value === 'string' && value.includes(MARK) ? `another ${value}` : value,
  ) as ReadQuery;
}

/** SQLSTATEs that say that a statement of ours is wrong, whatever the caller wrote. */
const WRONG_STATEMENT = /^(?:XX...|42601|42P18|42P02|42P01|42703|42702|42712|42P10|42P09|42P08|08P01|54001)$/;

/** Text search values have a syntax of their own, with the same SQLSTATE. */
function isOurFault(code: string, message: string): boolean {
  return WRONG_STATEMENT.test(code) && !/ts(?:query|vector)/.test(message);
}

const wildFilms = filmWords(wild, (all) => arbitraryField(fc.constantFrom(...all), hostileText));
const fittingFilms = filmWords(fitting, (_, text) =>
  fc.record({ column: fc.constantFrom(...text), path: fc.constant([]) }),
);

// Shared by the tests that only read.
const db = await planned(FILMS);

test.each([
  ['any query', wildFilms, 0.02],
  ['a query that fits the types', fittingFilms, 0.3],
] as const)('%s becomes a statement without a word of it, which PostgreSQL understands', async (_, words, share) => {
  const seen = { answered: 0, refused: 0 };
  const run = async (statement: Statement) => {
    try {
      await db.query(statement.text, statement.values);
      seen.answered += 1;
    } catch (error) {
      seen.refused += 1;
      const { code, message } = error as { code: string; message: string };
      expect(isOurFault(code, message), `${code} ${message}\n${statement.text}`).toBe(false);
    }
  };
  await fc.assert(
    fc.asyncProperty(arbitraryQuery(words, 2), options, async (query, chosen) => {
      const parsed = parseReadRequest(queryParameters(query));
      const plan = planRead(db.model, 'films', parsed, chosen);
      expect(plan.text).not.toContain(MARK);
      expect(plan.estimate?.text ?? '').not.toContain(MARK);
      expect(planRead(db.model, 'films', reworded(parsed), chosen).text).toBe(plan.text);
      expect(new Set(plan.text.match(/\$\d+/g)).size).toBe(plan.values.length);
      await run(plan);
      if (plan.estimate !== undefined) await run(plan.estimate);
    }),
    { numRuns: 300 },
  );
  expect(seen.answered / (seen.answered + seen.refused)).toBeGreaterThan(share);
});

const ATTACKS = [
  "'; DROP TABLE films; --",
  '"; DROP TABLE films; --',
  ') ; DROP TABLE films; --',
  '1 OR 1=1',
  "' UNION SELECT usename FROM pg_user --",
  '$1; SELECT pg_sleep(10)',
  "\\'; DROP TABLE films; --",
  'x" AS y FROM pg_authid --',
  '*/ DROP TABLE films /*',
  '%27%3B DROP TABLE films',
  'ʼ＇"‘',
];

test.each(ATTACKS)('no place in the grammar takes SQL: %s', async (attack) => {
  const quoted = `"${attack.replaceAll(/["\\]/g, '\\$&')}"`;
  const attempts: [name: string, value: string][] = [attack, quoted].flatMap((text): [string, string][] => [
    ['select', text],
    ['select', `id,${text}:title`],
    ['select', `title::${text}`],
    ['select', `info->${text}`],
    ['select', `info->>${text}::text`],
    ['select', `id.${text}()`],
    ['select', `id.sum()::${text}`],
    ['select', `${text}(id)`],
    ['select', `directors!${text}(id)`],
    ['select', `...${text}(id)`],
    ['select', `directors(${text})`],
    ['select', `${text}:directors(id)`],
    [text, 'eq.1'],
    [`info->>${text}`, 'eq.1'],
    [`${text}.id`, 'eq.1'],
    ['title', text],
    ['title', `eq.${text}`],
    ['title', `in.(${text})`],
    ['title', `like(any).${text}`],
    ['title', `like(${text}).x`],
    ['title', `fts(${text}).x`],
    ['title', `fts.${text}`],
    ['title', `is.${text}`],
    ['id', `eq.${text}`],
    ['tags', `cs.${text}`],
    ['or', text],
    ['or', `(title.eq.${text},id.eq.1)`],
    ['or', `(${text}.eq.1,id.eq.1)`],
    ['order', text],
    ['order', `title.${text}`],
    ['order', `directors(${text})`],
    ['order', `info->${text}`],
    ['limit', text],
    ['offset', text],
  ]);
  for (const [name, value] of attempts) {
    let plan: Plan;
    try {
      plan = planRead(db.model, 'films', parseReadRequest([[name, value]]));
    } catch (error) {
      expect(error).toBeInstanceOf(QueryError);
      continue;
    }
    expect(plan.text).not.toMatch(/DROP|UNION|pg_/);
    await db
      .run(plan)
      .catch(({ code, message }) => expect(isOurFault(code, message), `${code} ${message}`).toBe(false));
  }
  expect(await db.get('films?select=count()')).toEqual([{ count: 5 }]);
});

test.each(ATTACKS)('and neither does a name, a key of a body or an argument: %s', async (attack) => {
  const db = await planned(`${FILMS};
    CREATE FUNCTION say(word text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT word'`);
  await expect(db.row(attack)).rejects.toBeInstanceOf(QueryError);
  await expect(db.post('actors', { id: 9, [attack]: 1 })).rejects.toBeInstanceOf(QueryError);
  await expect(db.patch('actors?id=eq.1', { [attack]: 1 })).rejects.toBeInstanceOf(QueryError);
  await expect(db.call('say', { [attack]: 1 })).rejects.toBeInstanceOf(QueryError);
  await expect(db.call(attack, {})).rejects.toBeInstanceOf(QueryError);
  expect(JSON.parse((await db.call('say', { word: attack })).body ?? '')).toBe(attack);
  expect(JSON.parse((await db.post('actors?select=name', { id: 9, name: attack })).body ?? '')).toEqual([
    { name: attack },
  ]);
  expect(await db.get(`actors?select=id&name=eq.${encodeURIComponent(attack)}`)).toEqual([{ id: 9 }]);
});

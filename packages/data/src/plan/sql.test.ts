import { expect, test } from 'vitest';
import { PlanContext } from './context.js';
import { clause, type Fragment, identifier, integer, join, literal, parameter, sql } from './sql.js';

const word = "x'; DROP TABLE films; --";

test('fragments join constant text', () => {
  const condition = sql`${identifier('a"b')} = ${parameter(1)}`;
  expect(String(sql`SELECT ${literal("it's")} FROM t${integer(2)}${clause('WHERE', [condition], ' AND ')}`)).toBe(
    `SELECT 'it''s' FROM t2 WHERE "a""b" = $1`,
  );
  expect(String(clause('WHERE', [], ' AND '))).toBe('');
});

test('a string is no fragment, for the compiler', () => {
  const model = { schema: 'public', relations: new Map(), foreignKeys: [], functions: new Map() };
  const context = new PlanContext(model);
  const refused = [
    // @ts-expect-error a string in the template
    () => sql`SELECT ${word}`,
    // @ts-expect-error a number in the template
    () => sql`LIMIT ${10}`,
    // @ts-expect-error an untagged template, although a fragment is in it
    () => sql`SELECT ${`${identifier('a')}`}`,
    // @ts-expect-error a string among fragments
    () => join([sql`a`, word], ', '),
    // @ts-expect-error a string as an item of a clause
    () => clause('WHERE', [word], ' AND '),
    // @ts-expect-error a string as a WITH query
    () => context.with(sql`a`, word),
    // @ts-expect-error a separator of one's own
    () => join([], word),
    // @ts-expect-error a keyword of one's own
    () => clause(word, [], ', '),
    // @ts-expect-error the tag called with text
    () => sql([word]),
    // @ts-expect-error an object that only looks like one
    (): Fragment => ({ toString: () => word }),
  ];
  expect(refused).toHaveLength(10);
});

test('what only the compiler was told is a fragment does not become SQL', () => {
  const disguised = word as unknown as Fragment;
  expect(() => sql`SELECT ${disguised}`).toThrow(TypeError);
  expect(() => join([disguised], ', ')).toThrow(TypeError);
  expect(() => clause('WHERE', [disguised], ' AND ')).toThrow(TypeError);
  expect(() => sql`SELECT ${{ toString: () => word } as unknown as Fragment}`).toThrow(TypeError);
});

import { expect, test } from 'vitest';
import { splitStatements } from './split.js';

const texts = (sql: string) => splitStatements(sql).map(({ text }) => text);

test('splits at semicolons and knows where each statement begins', () => {
  expect(splitStatements('\n-- first\nSELECT 1 ;;\n\n  SELECT\n2; /* last */ SELECT 3')).toEqual([
    { text: 'SELECT 1', line: 3 },
    { text: 'SELECT\n2', line: 5 },
    { text: 'SELECT 3', line: 6 },
  ]);
  expect(splitStatements(' -- nothing\n/* at all */ ; ')).toEqual([]);
});

test.each([
  `SELECT ';', 'it''s;'`,
  `SELECT E'\\';'`,
  `SELECT U&'\\0041;'`,
  'SELECT ";" FROM ";"";"',
  'DO $$ BEGIN; END $$',
  'DO $a$ $$ ; $b$ ; $a$',
  'SELECT 1 -- ;\n + 1',
  'SELECT 1 /* ; /* ; */ ; */ + 1',
  'CREATE RULE r AS ON INSERT TO t DO (DELETE FROM t; SELECT 1)',
  'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END',
  'create or replace procedure "p;"() BEGIN ATOMIC SELECT 1; END',
  'SELECT $1; '.trim().slice(0, -1),
])('keeps %j together', (sql) => {
  expect(texts(`${sql}; SELECT 'next'`)).toEqual([sql, "SELECT 'next'"]);
});

test('takes words for blocks only in function bodies', () => {
  expect(texts('BEGIN; SELECT 1; END')).toEqual(['BEGIN', 'SELECT 1', 'END']);
  expect(texts('CREATE TABLE begin_ (a int); SELECT 1')).toHaveLength(2);
  expect(texts(`CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; SELECT 1`)).toHaveLength(2);
});

test.each(["SELECT 'a; b", 'SELECT "a; b', 'DO $$ a; b', 'SELECT 1 /* a; b'])('runs %j to the end', (sql) => {
  expect(texts(sql)).toHaveLength(1);
});

test('is linear in the length of the file', () => {
  for (const piece of ["'", '"', '$', '$$', '$a', '/*', '*/', '--', ';', "E'\\", '(', 'begin ', ' ', '\n']) {
    const started = performance.now();
    splitStatements(piece.repeat(100_000));
    expect(performance.now() - started, piece).toBeLessThan(2_000);
  }
});

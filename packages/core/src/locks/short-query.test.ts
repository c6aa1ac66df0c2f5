import { expect, test } from 'vitest';
import { shortQuery } from './short-query.js';

test.each([
  ['select * from orders', 'select * from orders'],
  ["select 'secret', 12, 1.5e3, $1 from t1", 'select ?, ?, ?, $1 from t1'],
  ["update t set a = 'it''s' where id = 7 -- secret\n  and b", 'update t set a = ? where id = ? and b'],
  ["select E'a\\'secret' || 'b', x'ff'", 'select ? || ?, x?'],
  ["select 'a\\', 'secret', 3", 'select ? …'],
  ['do $x$ secret $$ 1 $x$; select $$secret$$', 'do ?; select ?'],
  ['select "quoted 1" /* secret */ from "t2"', 'select "quoted 1" from "t2"'],
  ["alter role a password 'secre", 'alter role a password ?'],
  ['select $$secret', 'select ?'],
  [`select ${'a, '.repeat(60)}`, `select ${'a, '.repeat(60)}`.slice(0, 99).concat('…')],
])('%s', (text, shown) => {
  expect(shortQuery(text)).toBe(shown);
});

import { test } from 'vitest';
import { expectAnswers } from '../support/answers.js';
import { createTestData } from '../support/data.js';

const SCHEMA = `
  CREATE SCHEMA inside;
  CREATE TYPE inside.mood AS ENUM ('sad', 'fine');
  CREATE TYPE "Odd (type), 'x'" AS ENUM ('a', 'b');
  CREATE TYPE pair AS (x int, y text);
  CREATE DOMAIN positive AS int NOT NULL CHECK (VALUE > 0);
  CREATE DOMAIN many AS int[];
  CREATE DOMAIN arrayless AS text;
  UPDATE pg_type SET typarray = 0 WHERE typname = 'arrayless';
  CREATE TABLE "odd "" table" (
    id int PRIMARY KEY, mood inside.mood, odd "Odd (type), 'x'", pair pair, positive positive DEFAULT 1, many many,
    arrayless arrayless, letter "char", bits bit(3), fixed char(4), span interval day to second(3), name name,
    amount numeric(6,2), vector int2vector, whole pair[]
  );
  ALTER TABLE "odd "" table" ENABLE ROW LEVEL SECURITY;
  CREATE POLICY anybody ON "odd "" table" USING (true);
  INSERT INTO "odd "" table" VALUES
    (1, 'sad', 'a', '(1,a)', 2, '{1}', 'x', 'c', '101', 'ab', '1 02:00', 'n', 1.5, '1 2', '{"(1,a)"}');
  CREATE FUNCTION "odd (f), ""g"""(odd "Odd (type), 'x'", letter "char", c char(4), p pair DEFAULT NULL)
    RETURNS text LANGUAGE sql STABLE AS $$ SELECT odd::text || letter::text $$;
`;

const TABLE = '/odd%20%22%20table';
const filtered = (filter: string) => [`GET ${TABLE}?select=id&${filter}`, [{ id: 1 }]] as const;

test('columns and arguments of every kind of type are still found', async () => {
  await expectAnswers(await createTestData(SCHEMA), [
    filtered('mood=eq.sad'),
    filtered('odd=eq.a'),
    filtered('pair->>y=eq.a'),
    filtered('positive=gt.1'),
    filtered('many=cs.{1}'),
    filtered('arrayless=eq.x'),
    filtered('letter=eq.c'),
    filtered('bits=eq.101'),
    filtered('fixed=eq.ab'),
    filtered('span=eq.1 02:00'),
    filtered('name=eq.n'),
    filtered('amount=in.(1.5,2)'),
    filtered('whole=eq.{"(1,a)"}'),
    [
      `PATCH ${TABLE}?id=eq.1`,
      '',
      { body: { odd: 'b', pair: { x: 1, y: 'b' }, arrayless: 'y', letter: 'd', many: [2] } },
    ],
    [`GET ${TABLE}?select=odd,arrayless,many`, [{ odd: 'b', arrayless: 'y', many: [2] }]],
    ['GET /rpc/odd%20(f),%20%22g%22?odd=a&letter=b&c=x', 'ab'],
    ['POST /rpc/odd%20(f),%20%22g%22', 'ab', { body: { odd: 'a', letter: 'b', c: 'x' } }],
  ]);
});

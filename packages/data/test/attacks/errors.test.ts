import { ALICE, BOB } from '@reactor/testing';
import { expect, test } from 'vitest';
import { createTestData, jsonBody } from '../support/data.js';

/** In a row of Bob's; no error may tell it to anybody else. */
const SECRET = 'the secret of Bob';

const SCHEMA = `
  CREATE TABLE folders (id int PRIMARY KEY);
  CREATE TABLE shelves (id int PRIMARY KEY);
  CREATE TABLE notes (
    id int PRIMARY KEY,
    owner uuid NOT NULL,
    folder int NOT NULL REFERENCES folders ON DELETE SET NULL,
    shelf int REFERENCES shelves ON DELETE CASCADE,
    body text UNIQUE CHECK (body <> 'forbidden')
  );
  CREATE TABLE stickers (id int PRIMARY KEY, note text REFERENCES notes (body));
  CREATE TABLE log (line text PRIMARY KEY);
  ALTER TABLE folders ENABLE ROW LEVEL SECURITY;
  ALTER TABLE shelves ENABLE ROW LEVEL SECURITY;
  ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
  ALTER TABLE stickers ENABLE ROW LEVEL SECURITY;
  ALTER TABLE log ENABLE ROW LEVEL SECURITY;
  CREATE POLICY anybody ON folders USING (true);
  CREATE POLICY anybody ON shelves USING (true);
  CREATE POLICY own ON notes USING (owner = (SELECT auth.user_id()));
  INSERT INTO folders VALUES (1), (2);
  INSERT INTO shelves VALUES (1);
  INSERT INTO notes VALUES (1, '${ALICE}', 1, NULL, 'of Alice'), (2, '${BOB}', 2, 1, '${SECRET}');
  INSERT INTO stickers VALUES (1, '${SECRET}');
  INSERT INTO log VALUES ('${SECRET}');
  CREATE FUNCTION copy_all() RETURNS void LANGUAGE sql SECURITY DEFINER AS
    'INSERT INTO log SELECT body FROM notes WHERE owner <> auth.user_id()';
  CREATE FUNCTION forbid_all() RETURNS void LANGUAGE sql SECURITY DEFINER AS
    'UPDATE notes SET folder = NULL WHERE owner <> auth.user_id()';
  CREATE FUNCTION refuse(word text) RETURNS void LANGUAGE plpgsql AS
    $$ BEGIN RAISE unique_violation USING DETAIL = 'the word is ' || word; END $$;
`;

async function setUp() {
  const { as } = await createTestData(SCHEMA);
  return async (...request: Parameters<ReturnType<typeof as>>) => {
    const answer = await as('alice')(...request);
    const text = await answer.text();
    expect(`${JSON.stringify([...answer.headers])} ${text}`, request.join(' ')).not.toContain(SECRET);
    return { status: answer.status, ...(JSON.parse(text) as { code: string; details: unknown }) };
  };
}

test('a foreign key that changes rows of others does not print them', async () => {
  const ask = await setUp();
  // SET NULL meets NOT NULL in Bob's note, CASCADE a reference to it. Both run with the rights of the table's owner.
  expect(await ask('DELETE', '/folders?id=eq.2')).toMatchObject({ status: 400, code: '23502', details: null });
  expect(await ask('DELETE', '/shelves?id=eq.1')).toMatchObject({ status: 409, code: '23503', details: null });
});

test('neither does a function that runs as its owner', async () => {
  const ask = await setUp();
  expect(await ask('POST', '/rpc/copy_all')).toMatchObject({ status: 409, code: '23505', details: null });
  expect(await ask('POST', '/rpc/forbid_all')).toMatchObject({ status: 400, code: '23502', details: null });
});

test('a row of the caller that breaks a constraint does not tell whose it meets', async () => {
  const ask = await setUp();
  const own = { id: 3, owner: ALICE, folder: 1 };
  expect(await ask('POST', '/notes', jsonBody({ ...own, id: 2 }))).toMatchObject({ code: '23505', details: null });
  expect(await ask('PATCH', '/notes?id=eq.1', jsonBody({ id: 2 }))).toMatchObject({ code: '23505', details: null });
  expect(await ask('POST', '/notes', jsonBody({ ...own, body: 'forbidden' }))).toMatchObject({
    code: '23514',
    details: null,
  });
  expect(await ask('POST', '/notes', jsonBody({ ...own, folder: null }))).toMatchObject({
    code: '23502',
    details: null,
  });
  expect(await ask('POST', '/notes', jsonBody({ ...own, folder: 9 }))).toMatchObject({
    code: '23503',
    details: null,
  });
});

test('what a function says on purpose is passed on', async () => {
  const ask = await setUp();
  expect(await ask('POST', '/rpc/refuse', jsonBody({ word: 'no' }))).toMatchObject({
    status: 409,
    code: '23505',
    details: 'the word is no',
  });
});

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLogger } from '@reactor/core';
import { temporaryDirectory } from '@reactor/testing';
import { describe, expect, test } from 'vitest';
import { AppMigrations, readMigrationFiles } from '../../src/index.js';
import { createTestData, jsonBody } from '../support/data.js';
import { databaseWith } from '../support/database.js';

async function folderWith(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await temporaryDirectory();
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

async function emptyMigrations() {
  const { database } = await databaseWith('SELECT 1');
  return { database, migrations: new AppMigrations({ database, logger: silentLogger, onApplied: () => {} }) };
}

/** What each folder is answered; nothing of it may have run. */
async function refusals(folders: readonly Readonly<Record<string, string | Uint8Array>>[]): Promise<readonly string[]> {
  const { migrations } = await emptyMigrations();
  const answers: string[] = [];
  for (const files of folders) {
    const wanted = await readMigrationFiles(await folderWith(files));
    const answer = await migrations.apply(wanted).then(
      ({ applied }) => `applied ${applied}`,
      ({ code, status, message }) => `${status} ${code} ${message}`,
    );
    answers.push(answer);
  }
  expect((await migrations.status(undefined)).applied).toEqual([]);
  return answers;
}

const latin1 = (text: string) => Buffer.from(text, 'latin1');

describe('a file of a folder', () => {
  test('in another encoding is refused by name, line and byte', async () => {
    expect(
      await refusals([
        { '002_b.sql': latin1("SELECT 1;\nSELECT 'é'") },
        { '002_b.sql': Buffer.concat([Buffer.from("\uFEFFSELECT '\uFFFDü"), latin1('é'), Buffer.from("'")]) },
        { '002_b.sql': Buffer.from('\uFEFFSELECT 1', 'utf16le') },
        { '002_b.sql': Buffer.from('SELECT 1', 'utf16le') },
        { '002_b.sql': "SELECT 1;\n\nSELECT '\0'" },
      ]),
    ).toEqual([
      '400 migration_failed 002_b.sql:2: byte 18 (0xE9) is not UTF-8; save the file as UTF-8',
      '400 migration_failed 002_b.sql:1: byte 16 (0xE9) is not UTF-8; save the file as UTF-8',
      '400 migration_failed 002_b.sql:1: the file is UTF-16; save the file as UTF-8',
      '400 migration_failed 002_b.sql:1: byte 1 is NUL; if the file is UTF-16, save the file as UTF-8',
      '400 migration_failed 002_b.sql:3: byte 19 is NUL; if the file is UTF-16, save the file as UTF-8',
    ]);
  });

  test('that undoes others is refused, whichever tool it was written for', async () => {
    const section = (comment: string) => ({ '1.sql': `CREATE TABLE a ();\n${comment}\nDROP TABLE a;` });
    const comments = [
      '-- migrate:down',
      '-- +goose Down',
      '-- +migrate Down',
      '--- !Downs',
      '-- //@UNDO',
      '-- Down Migration',
      '---- DOWN ----',
    ];
    const answers = await refusals([
      ...comments.map(section),
      { '1.down.sql': 'DROP TABLE a' },
      { 'U1__a.sql': 'DROP TABLE a' },
    ]);
    const forward = 'migrations only run forward; write what undoes it as a new migration';
    expect(answers).toEqual([
      ...comments.map(
        (comment) =>
          `400 migration_failed 1.sql:2: the section "${comment}" would run with the rest; remove it: ${forward}`,
      ),
      `400 migration_failed 1.down.sql:1: by its name this file undoes another one; ${forward}`,
      `400 migration_failed U1__a.sql:1: by its name this file undoes another one; ${forward}`,
    ]);
  });

  test('with a directive that means nothing, or a name in capitals, is not passed over', async () => {
    expect(
      await refusals([
        { '1.sql': '-- reactor:no-transactions\nSELECT 1' },
        { '1.sql': 'SELECT 1;\n-- reactor:no-transaction\nSELECT 1' },
        { '003_x.SQL': 'SELECT 1' },
      ]),
    ).toEqual([
      '400 migration_failed 1.sql:1: "-- reactor:no-transactions" is unknown; accepted is "-- reactor:no-transaction"',
      '400 migration_failed 1.sql:2: "-- reactor:no-transaction" must come before the first statement',
      '400 migration_failed 003_x.sql:1: the file is called 003_x.SQL; rename it to 003_x.sql',
    ]);
  });

  test('may have a byte order mark, which is no part of its checksum, and words like those in strings', async () => {
    const { database, migrations } = await emptyMigrations();
    const sql = "CREATE TABLE a (note text);\n-- migrate:up\nINSERT INTO a VALUES ('\n-- migrate:down\n'); -- go down";
    const apply = async (content: string) =>
      migrations.apply(await readMigrationFiles(await folderWith({ '1.sql': content })));
    expect(await apply(`\uFEFF${sql}`)).toEqual({ applied: ['1'] });
    expect(await apply(sql)).toEqual({ applied: [] });
    expect((await database.query('SELECT note FROM a')).rows).toEqual([{ note: '\n-- migrate:down\n' }]);
  });

  test('that was applied goes on counting as applied, whatever is wrong with it', async () => {
    const { database, migrations } = await emptyMigrations();
    const [damaged] = await readMigrationFiles(await folderWith({ '1.sql': latin1("SELECT 'é' -- migrate:down") }));
    await database.query(
      "INSERT INTO reactor_data.app_migrations VALUES ('1', encode(sha256(convert_to($1, 'UTF8')), 'hex'))",
      [damaged?.sql],
    );
    expect(await migrations.apply(damaged === undefined ? [] : [damaged])).toEqual({ applied: [] });
  });
});

test('the same is refused of what is sent, and a name may end in .sql', async () => {
  const { as, database } = await createTestData('SELECT 1');
  const send = async (migrations: unknown) => {
    const answer = await as('admin')('POST', '/_admin/migrate', jsonBody({ migrations }));
    const { applied, error } = (await answer.json()) as {
      applied?: string[];
      error?: { code: string; message: string };
    };
    return `${answer.status} ${error === undefined ? applied : `${error.code} ${error.message}`}`;
  };
  expect(await send([{ name: '010_ext.sql', sql: 'SELECT nothing' }])).toBe(
    '400 migration_failed 010_ext.sql:1: column "nothing" does not exist (SQLSTATE 42703)',
  );
  expect(await send([{ name: '010_ext', sql: 'SELECT \0' }])).toMatch(
    /^400 migration_failed 010_ext.sql:1: a character/,
  );
  expect(await send([{ name: '010_ext', sql: "SELECT '\ud800'" }])).toMatch(
    /^400 migration_failed 010_ext.sql:1: a char/,
  );
  expect(await send([{ name: '010_ext.SQL', sql: 'SELECT 1' }])).toMatch(
    /^400 migration_failed "010_ext.SQL" is not a valid name/,
  );
  expect(await send([{ name: '010_ext', sql: 'SELECT 1; -- migrate:down' }])).toMatch(
    /^400 migration_failed 010_ext.sql:1/,
  );
  expect(await send([{ name: '010_ext.sql', sql: '\uFEFFSELECT 1' }])).toBe('200 010_ext');
  expect(await send([{ name: '010_ext', sql: 'SELECT 1' }])).toBe('200 ');
  // As the first release noted it.
  await database.query("UPDATE reactor_data.app_migrations SET name = '010_ext.sql'");
  expect(await send([{ name: '010_ext.sql', sql: 'SELECT 1' }])).toBe('200 ');

  const body = Buffer.concat([
    Buffer.from('{"migrations":[{"name":"011_b","sql":"SELECT \''),
    latin1('é'),
    Buffer.from('\'"}]}'),
  ]);
  const answer = await as('admin')('POST', '/_admin/migrate', {
    body,
    headers: { 'Content-Type': 'application/json' },
  });
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain('The body is not UTF-8: see the migration \\"011_b\\"');
});

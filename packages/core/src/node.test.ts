import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { loadMigrations, packageVersion } from './node.js';

function folderWith(files: Record<string, string>): URL {
  const folder = mkdtempSync(join(tmpdir(), 'reactor-migrations-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return pathToFileURL(folder);
}

test('reads the files in ascending order', () => {
  const folder = folderWith({
    '0010_add_index.sql': 'create index;',
    '0002_add_column.sql': 'alter table;',
    '0001_create.sql': 'create table;',
    '.hidden': 'an editor left this',
  });
  expect(loadMigrations(folder)).toEqual([
    { id: '0001_create', sql: 'create table;' },
    { id: '0002_add_column', sql: 'alter table;' },
    { id: '0010_add_index', sql: 'create index;' },
  ]);
});

test('a checkout with other line ends gives the same text', () => {
  const unix = loadMigrations(folderWith({ '0001_create.sql': 'create\ntable;\n' }));
  const windows = loadMigrations(folderWith({ '0001_create.sql': 'create\r\ntable;\r\n' }));
  expect(windows).toEqual(unix);
});

test.each(['1_create.sql', '0001-create.sql', '0001_Create.sql', '0001_create.SQL', '0001_.sql', 'readme.md'])(
  'refuses the name %s',
  (name) => {
    expect(() => loadMigrations(folderWith({ [name]: 'select 1' }))).toThrow(`migration "${name}" in `);
  },
);

test('refuses a number that is taken', () => {
  const folder = folderWith({ '0001_a.sql': 'select 1', '0001_b.sql': 'select 1' });
  expect(() => loadMigrations(folder)).toThrow('the number 0001 is taken by "0001_a.sql"');
});

test('refuses an empty file', () => {
  expect(() => loadMigrations(folderWith({ '0001_create.sql': '\n' }))).toThrow('the file is empty');
});

test('the version of a package is the one in its manifest', () => {
  const folder = folderWith({ 'package.json': '{"name":"shop","version":"1.2.3"}' });
  expect(packageVersion(new URL(`${folder.href}/package.json`))).toBe('1.2.3');
});

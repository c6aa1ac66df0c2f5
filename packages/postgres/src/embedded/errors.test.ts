import { expect, test } from 'vitest';
import { explainFailure } from './errors.js';

test.each([
  ['could not extend file "base/1/2691": No space left on device', 'disk_full'],
  ['could not write to file "pg_wal/xlogtemp.31": Disk quota exceeded', 'disk_full'],
  ['pre-existing shared memory block (key 2171133, ID 65565) is still in use', 'data_directory_in_use'],
  ['lock file "postmaster.pid" already exists', 'data_directory_in_use'],
  ['could not create lock file "postmaster.pid": Read-only file system', 'directory_unusable'],
  ['data directory "/s/postgres/data" has invalid permissions', 'directory_unusable'],
  ['data directory "/s/postgres/data" has wrong ownership', 'directory_unusable'],
  ['could not load /s/postgres/data/pg_hba.conf', 'configuration_invalid'],
  ['could not read file "global/pg_control": read 0 of 296', 'data_corrupted'],
  ['database files are incompatible with server', 'data_corrupted'],
  ['could not locate a valid checkpoint record at 0/174B310', 'data_corrupted'],
  ['could not access status of transaction 752', 'data_corrupted'],
  ['words that nobody foresaw', 'start_failed'],
  ['', 'start_failed'],
])('%j is %s', (words, code) => {
  const error = explainFailure('PostgreSQL ended', words, '/s/postgres/data');
  expect(error.code).toBe(code);
  expect(error.message).toBe(`PostgreSQL ended in /s/postgres/data: ${words || 'it said nothing'}. ${error.remedy}`);
});

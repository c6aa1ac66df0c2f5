/** Why the embedded PostgreSQL cannot run, for scripts and tests. */
export type EmbeddedPostgresErrorCode =
  | 'binaries_missing'
  | 'binaries_unusable'
  | 'no_account'
  | 'directory_unusable'
  | 'wrong_owner'
  | 'other_major_version'
  | 'not_a_data_directory'
  | 'data_directory_in_use'
  | 'disk_full'
  | 'data_corrupted'
  | 'initialisation_failed'
  | 'start_failed';

/** The embedded PostgreSQL cannot run. The message says what is wrong and, after it, what to do. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
  readonly code: EmbeddedPostgresErrorCode;
  /** The next thing to do, as an instruction. */
  readonly remedy: string;

  constructor(code: EmbeddedPostgresErrorCode, problem: string, remedy: string, options?: ErrorOptions) {
    super(`${problem}. ${remedy}`, options);
    this.code = code;
    this.remedy = remedy;
  }
}

const CAUSES: readonly (readonly [RegExp, EmbeddedPostgresErrorCode, string])[] = [
  [/No space left on device|Disk quota exceeded/, 'disk_full', 'Free space on that file system and start again.'],
  [
    /pre-existing shared memory block|lock file "postmaster\.pid" already exists/,
    'data_directory_in_use',
    'Stop the PostgreSQL that uses this data directory.',
  ],
  [
    /Read-only file system|Permission denied|Operation not permitted/,
    'directory_unusable',
    'Make the directory writable for the account PostgreSQL runs under, or choose another [server] state_dir.',
  ],
  [
    /could not locate a valid checkpoint|invalid (?:data in|checkpoint)|checksum|could not open (?:file|directory) "(?:global|pg_|base)|is not a valid data directory|invalid magic number|unexpected pageaddr|control file/,
    'data_corrupted',
    'Restore the state directory from a backup, or move its postgres folder away to start empty.',
  ],
];

/** Turns the last words of a PostgreSQL that did not start into an error with a remedy. */
export function explainFailure(what: string, lastWords: string, dataDirectory: string): EmbeddedPostgresError {
  const problem = `${what} in ${dataDirectory}: ${lastWords || 'it said nothing'}`;
  for (const [pattern, code, remedy] of CAUSES) {
    if (pattern.test(lastWords)) return new EmbeddedPostgresError(code, problem, remedy);
  }
  return new EmbeddedPostgresError('start_failed', problem, 'Set [database] url to use another PostgreSQL meanwhile.');
}

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
  | 'configuration_invalid'
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

interface Cause {
  readonly words: RegExp;
  readonly code: EmbeddedPostgresErrorCode;
  readonly remedy: string;
}

/** What PostgreSQL says (with lc_messages = C) and what it comes from; the first match counts. */
const CAUSES: readonly Cause[] = [
  {
    words: /No space left on device|Disk quota exceeded/,
    code: 'disk_full',
    remedy: 'Free space on that file system and start again.',
  },
  {
    words: /pre-existing shared memory block|lock file "postmaster\.pid" already exists/,
    code: 'data_directory_in_use',
    remedy: 'Stop the PostgreSQL that uses this data directory.',
  },
  {
    words: /Permission denied|Operation not permitted|Read-only file system|wrong ownership|invalid permissions/,
    code: 'directory_unusable',
    remedy:
      'The folder and all in it must belong to the account PostgreSQL runs under, be writable, and closed to others (chmod 0700).',
  },
  {
    words:
      /configuration file .* contains errors|could not load \S+\.conf|could not access the server configuration file/,
    code: 'configuration_invalid',
    remedy: 'Correct that file.',
  },
  {
    words:
      /could not locate a valid checkpoint|could not (?:read|open|access|find|seek|stat)|database files are incompatible|invalid (?:data in|checkpoint|magic)|checksum|unexpected pageaddr|is not a valid data directory/,
    code: 'data_corrupted',
    remedy: 'Restore the state directory from a backup, or move its postgres folder away to start empty.',
  },
];

/** Turns the last words of a PostgreSQL that did not start into an error with a remedy. */
export function explainFailure(what: string, lastWords: string, dataDirectory: string): EmbeddedPostgresError {
  const problem = `${what} in ${dataDirectory}: ${lastWords || 'it said nothing'}`;
  const cause = CAUSES.find(({ words }) => words.test(lastWords));
  if (cause !== undefined) return new EmbeddedPostgresError(cause.code, problem, cause.remedy);
  return new EmbeddedPostgresError('start_failed', problem, 'Set [database] url to use another PostgreSQL meanwhile.');
}

import { type Account, type RunResult, run } from '@reactor/processes';

/**
 * What PostgreSQL's programs get: nothing of ours. The server's environment holds secrets, and a PGDATA or LC_ALL in it
 * would change what these programs do.
 */
export const PROGRAM_ENVIRONMENT = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/**
 * Runs one of PostgreSQL's programs to its end, under its account.
 * @throws the system error when it cannot be started, with `code` such as EACCES or ENOENT
 */
export function runProgram(file: string, args: readonly string[], account: Account | undefined): Promise<RunResult> {
  return run(file, args, { env: PROGRAM_ENVIRONMENT, account });
}

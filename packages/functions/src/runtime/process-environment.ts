import type { Account } from '@reactor/processes';

/** Everything a function finds: of the server's own environment, only what has no secret and is needed. */
export function processEnvironment(account: Account | undefined): Record<string, string> {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: '/nonexistent',
    TMPDIR: '/tmp',
    LANG: 'C.UTF-8',
    TZ: process.env.TZ ?? 'UTC',
    ...(account === undefined ? {} : { USER: account.name }),
    BUN_RUNTIME_TRANSPILER_CACHE_PATH: '0',
    DO_NOT_TRACK: '1',
  };
}

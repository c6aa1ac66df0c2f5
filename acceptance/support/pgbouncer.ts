import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from '@reactor/testing/tools';
import { onTestFinished } from 'vitest';
import { accountOf, type ExternalPostgres } from './postgres.js';
import { until } from './until.js';

/** Its default. The socket's name has it, no port is taken. */
const PORT = 6432;

export interface PgBouncer {
  /** The database as that login, through the pooler. */
  urlFor(user: string, password: string, database: string): string;
}

/**
 * Debian's PgBouncer before `postgres`, with few server connections, so that clients meet what others left on them. It
 * asks the server for passwords, as one does where logins come and go.
 * @param users who is let in, with the password `of-<name>`; default: whom PostgreSQL knows
 */
export async function startPgBouncer(
  postgres: ExternalPostgres,
  mode: 'transaction' | 'session',
  users?: readonly string[],
): Promise<PgBouncer> {
  const directory = await temporaryDirectory();
  const account = accountOf('postgres');
  if (account !== undefined) chownSync(directory, account.uid, account.gid);
  const config = path.join(directory, 'pgbouncer.ini');
  // Of its own, so that what others leave on their server connections does not reach it.
  await postgres.sql("CREATE ROLE bouncer SUPERUSER LOGIN PASSWORD 'of-bouncer'");
  const known = ['bouncer', ...(users ?? [])].map((name) => `"${name}" "of-${name}"\n`);
  writeFileSync(path.join(directory, 'users'), known.join(''));
  writeFileSync(
    config,
    `[databases]
* = host=${postgres.directory}
[pgbouncer]
listen_addr =
listen_port = ${PORT}
unix_socket_dir = ${directory}
auth_type = scram-sha-256
auth_file = ${path.join(directory, 'users')}
${users === undefined ? 'auth_user = bouncer\nauth_query = SELECT usename, passwd FROM pg_shadow WHERE usename = $1' : ''}
server_login_retry = 1
query_wait_timeout = 10
pool_mode = ${mode}
default_pool_size = ${mode === 'transaction' ? 4 : 60}
max_client_conn = 300
logfile = ${path.join(directory, 'log')}
`,
  );
  const child = spawn('pgbouncer', [config], { stdio: 'ignore', ...account });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  await until('PgBouncer to listen', async () => existsSync(path.join(directory, `.s.PGSQL.${PORT}`)) || undefined);
  return {
    urlFor: (user, password, database) =>
      `postgresql://${user}:${password}@/${database}?host=${directory}&port=${PORT}`,
  };
}

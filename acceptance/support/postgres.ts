import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { memoryDirectory, whenOver } from '@reactor/testing/tools';
import { Client } from 'pg';
import type { Account } from './server.js';

export interface ExternalPostgres {
  /** As its superuser, without a password. */
  readonly url: string;
  /** Of its socket. */
  readonly directory: string;
  /** The same server as another login. */
  urlFor(user: string, password: string, database: string): string;
  sql(text: string, database?: string): Promise<void>;
  control(...args: string[]): void;
}

/** A PostgreSQL that is not ours: Debian's, with a data directory and a Unix socket of its own. */
export async function externalPostgres(): Promise<ExternalPostgres> {
  const versions = readdirSync('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a));
  const bin = `/usr/lib/postgresql/${versions[0]}/bin`;
  const directory = await memoryDirectory();
  const data = path.join(directory, 'data');
  const account = accountOf('postgres');
  if (account !== undefined) chownSync(directory, account.uid, account.gid);
  chmodSync(directory, 0o755);
  const run = (file: string, args: readonly string[]) =>
    execFileSync(path.join(bin, file), args, { stdio: 'ignore', cwd: '/', ...account });
  const control = (...args: string[]) => void run('pg_ctl', ['-D', data, '-w', ...args]);
  run('initdb', ['-D', data, '-U', 'postgres', '--auth-local=trust', '--encoding=UTF8', '--locale=C']);
  whenOver(() => {
    try {
      control('-m', 'immediate', 'stop');
    } catch {
      // It is stopped already.
    }
    rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  });
  const options = `-h '' -k '${directory}' -c fsync=off`;
  control('-l', path.join(directory, 'log'), '-o', options, 'start');
  const urlFor = (user: string, password: string, database: string) =>
    `postgresql://${user}:${password}@/${database}?host=${directory}`;
  const url = urlFor('postgres', '', 'postgres');
  return {
    url,
    directory,
    urlFor,
    control: (...args) =>
      control(...(args[0] === 'start' ? ['-l', path.join(directory, 'log'), '-o', options] : []), ...args),
    async sql(text, database = 'postgres') {
      const client = new Client({ connectionString: urlFor('postgres', '', database) });
      await client.connect();
      try {
        await client.query(text);
      } finally {
        await client.end();
      }
    },
  };
}

/** PostgreSQL refuses root; without root it runs as who we are. */
export function accountOf(name: string): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }));
  return { uid: idOf('-u'), gid: idOf('-g') };
}

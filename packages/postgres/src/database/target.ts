import { userInfo } from 'node:os';
import type { ClientConfig } from 'pg';
import { type ConnectionOptions, parse } from 'pg-connection-string';
import { PasswordMissingError, ReactorClient } from './client.js';

/** Where a connection string leads, without its password. */
export interface DatabaseTarget {
  readonly description: string;
  readonly user: string;
  /** For `new ReactorClient`. */
  readonly clientConfig: ClientConfig;
  /** The same place for another login; without a password the server must not ask for one. */
  as(user: string, password: string | undefined): ClientConfig;
}

/**
 * Reads a connection string by the driver's own parser. The configuration is complete: the driver takes what is absent
 * from `PGHOST`, `PGSSLMODE`, `~/.pgpass` and others, which belong to the programs of the user who starts the server.
 * @throws Error when it has another form; the text, which may hold a password, is not repeated
 */
export function parseTarget(connectionString: string): DatabaseTarget {
  const accepted = 'the database URL must have the form postgresql://user:password@host:port/database';
  if (!/^postgres(?:ql)?:\/\//.test(connectionString)) throw new Error(accepted);
  let clientConfig: ClientConfig;
  try {
    clientConfig = completeConfig(parse(connectionString));
    new ReactorClient(clientConfig);
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'it cannot be parsed';
    // The system says so only of what `sslcert`, `sslkey` or `sslrootcert` names.
    const isOfFile = error instanceof Error && 'syscall' in error;
    throw new Error(
      isOfFile ? `a file that the database URL names cannot be read: ${reason}` : `${accepted}: ${reason}`,
    );
  }
  const { host = '', port = 0 } = clientConfig;
  if (!(Number.isInteger(port) && port > 0 && port <= 65_535)) throw new Error(`${accepted}: the port is out of range`);
  const user = encodeURIComponent(clientConfig.user ?? '');
  const database = encodeURIComponent(clientConfig.database ?? '');
  const description = host.startsWith('/')
    ? `postgresql://${user}@/${database}?host=${host}`
    : `postgresql://${user}@${host}:${port}/${database}`;
  return {
    description,
    user: clientConfig.user ?? '',
    clientConfig,
    as: (other, password) => ({ ...clientConfig, user: other, password: password ?? refusePassword }),
  };
}

/** Everything that the driver would look for elsewhere, with libpq's defaults. */
function completeConfig(url: ConnectionOptions): ClientConfig {
  const user = url.user || userInfo().username;
  const host = url.host || 'localhost';
  // As in libpq, what `sslmode` says is about TCP: PostgreSQL encrypts nothing on a Unix socket.
  const encryptable = !host.startsWith('/');
  return {
    host,
    port: Number(url.port || 5432),
    user,
    database: url.database || user,
    // A function, because the driver looks for `PGPASSWORD` and a password file where there is no value.
    password: url.password || refusePassword,
    ssl: encryptable && ((url.ssl ?? false) as NonNullable<ClientConfig['ssl']>),
    sslnegotiation: encryptable && url.sslnegotiation ? url.sslnegotiation : 'postgres',
    client_encoding: 'UTF8',
    application_name: url.application_name || url.fallback_application_name || 'reactor',
    ...(url.options ? { options: url.options } : {}),
    ...timeouts(url),
    // Notices a peer that vanished without a word, long before the kernel's own two hours.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  };
}

function refusePassword(): never {
  throw new PasswordMissingError('the server asks for a password, and the database URL holds none');
}

const TIMEOUTS = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'query_timeout'] as const;

/** Milliseconds, as parameters of the URL. */
function timeouts(url: ConnectionOptions): ClientConfig {
  return Object.fromEntries(TIMEOUTS.filter((name) => url[name]).map((name) => [name, Number(url[name])]));
}

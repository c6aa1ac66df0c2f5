import { Client, type ClientConfig } from 'pg';

/** Where a connection string leads, without its password. */
export interface DatabaseTarget {
  readonly description: string;
  readonly user: string;
  readonly clientConfig: ClientConfig;
  /** The same place for another login. */
  as(user: string, password: string | undefined): ClientConfig;
}

/**
 * Checks a connection string by the driver's own parser.
 * @throws Error when it has another form; the text, which may hold a password, is not repeated
 */
export function parseTarget(connectionString: string): DatabaseTarget {
  const accepted = 'the database URL must have the form postgresql://user:password@host:port/database';
  if (!/^postgres(?:ql)?:\/\//.test(connectionString)) throw new Error(accepted);
  const clientConfig: ClientConfig = {
    connectionString,
    fallback_application_name: 'reactor',
    // Notices a peer that vanished without a word, long before the kernel's own two hours.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  };
  let client: Client;
  try {
    client = new Client(clientConfig);
  } catch (error) {
    throw new Error(`${accepted}: ${error instanceof Error ? error.message : 'it cannot be parsed'}`);
  }
  const user = encodeURIComponent(client.user ?? '');
  const database = encodeURIComponent(client.database ?? '');
  const description = client.host.startsWith('/')
    ? `postgresql://${user}@/${database}?host=${client.host}`
    : `postgresql://${user}@${client.host}:${client.port}/${database}`;
  return {
    description,
    user: client.user ?? '',
    clientConfig,
    as: (other, password) => ({ ...clientConfig, connectionString: withLogin(connectionString, other, password) }),
  };
}

/** The driver lets a `user` of the query string win over the one before the host. */
function withLogin(connectionString: string, user: string, password: string | undefined): string {
  const login = encodeURIComponent(user) + (password === undefined ? '' : `:${encodeURIComponent(password)}`);
  return connectionString
    .replace(/^(\w+:\/\/)(?:[^@/?]*@)?/, `$1${login}@`)
    .replace(/(?<=[?&])(?:user|password)=[^&]*&?/g, '');
}

import { type Account, chooseAccount, NoAccountError } from '@reactor/processes';
import { EmbeddedPostgresError } from './errors.js';

/** One that exists for this purpose comes first; the others are on every Linux and macOS. */
const CANDIDATES = ['postgres', 'daemon', 'nobody'];

/**
 * The account PostgreSQL runs under when the server is root, which PostgreSQL refuses to be; undefined when that is
 * simply our own.
 * @param existing a folder that PostgreSQL already owns
 * @throws EmbeddedPostgresError `no_account`
 */
export async function choosePostgresAccount(existing: string): Promise<Account | undefined> {
  try {
    return await chooseAccount(CANDIDATES, existing);
  } catch (cause) {
    if (!(cause instanceof NoAccountError)) throw cause;
    throw new EmbeddedPostgresError(
      'no_account',
      `PostgreSQL refuses to run as root and ${cause.message}`,
      'Add a user named postgres, or start the server as a user other than root.',
      { cause },
    );
  }
}

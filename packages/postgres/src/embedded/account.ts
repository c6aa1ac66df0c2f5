import { readFile, stat } from 'node:fs/promises';
import { EmbeddedPostgresError } from './errors.js';

/** The account PostgreSQL runs under when the server is root, which PostgreSQL refuses to be. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
}

/** One that exists for this purpose comes first; the others are on every Linux and macOS. */
const CANDIDATES = ['postgres', 'daemon', 'nobody'];

/**
 * The account to run under; undefined when that is simply our own.
 * @param existing a folder that PostgreSQL already owns: who began with it goes on with it
 */
export async function chooseAccount(existing: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = parsePasswd(await readFile('/etc/passwd', 'utf8'));
  const owner = await stat(existing).then(
    ({ uid }) => uid,
    () => 0,
  );
  // initdb looks its own uid up, so that an owner without an entry is of no use.
  const found =
    accounts.find(({ uid }) => uid !== 0 && uid === owner) ??
    CANDIDATES.map((name) => accounts.find((account) => account.name === name)).find(
      (account) => account !== undefined,
    );
  if (found !== undefined) return found;
  throw new EmbeddedPostgresError(
    'no_account',
    `PostgreSQL refuses to run as root and /etc/passwd has none of ${CANDIDATES.join(', ')}`,
    'Add a user named postgres, or start the server as another user than root.',
  );
}

function parsePasswd(text: string): Account[] {
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':');
    return name !== undefined && uid !== undefined && gid !== undefined
      ? [{ name, uid: Number(uid), gid: Number(gid) }]
      : [];
  });
}

import { readFile, stat } from 'node:fs/promises';

/** An account of this machine that a child can run under. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
}

/** We are root, the child must not be, and no account fits. */
export class NoAccountError extends Error {
  override readonly name = 'NoAccountError';
}

/**
 * The account for a child that must not be root; undefined when we are not root either, and it runs under our own.
 * @param candidates names from /etc/passwd, the best one first
 * @param existing a folder of an earlier run: its owner is used again
 * @param own our own uid; undefined where there are none
 * @throws NoAccountError
 */
export async function chooseAccount(
  candidates: readonly string[],
  existing: string,
  own = process.getuid?.(),
): Promise<Account | undefined> {
  if (own !== 0) return undefined;
  const accounts = parsePasswd(await readFile('/etc/passwd', 'utf8'));
  const owner = await stat(existing).then(
    ({ uid }) => uid,
    () => 0,
  );
  // Programs look up their own uid, so an owner without an entry is useless.
  const found =
    accounts.find(({ uid }) => uid !== 0 && uid === owner) ??
    candidates
      .map((name) => accounts.find((account) => account.name === name && account.uid !== 0))
      .find((account) => account !== undefined);
  if (found !== undefined) return found;
  throw new NoAccountError(`/etc/passwd has none of ${candidates.join(', ')}`);
}

function parsePasswd(text: string): Account[] {
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':');
    return name !== undefined && uid !== undefined && gid !== undefined
      ? [{ name, uid: Number(uid), gid: Number(gid) }]
      : [];
  });
}

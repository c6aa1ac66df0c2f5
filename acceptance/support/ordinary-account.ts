import { chown } from 'node:fs/promises';
import { accountOf } from './postgres.js';
import { projectDirectory, type StartOptions } from './server.js';

/** Starts a server as somebody who is not root, also where the tests are; the repository has to be readable for all. */
export async function asOrdinaryAccount(): Promise<StartOptions> {
  const account = accountOf('nobody');
  if (account === undefined) return {};
  const directory = await projectDirectory();
  await chown(directory, account.uid, account.gid);
  return { account, directory };
}

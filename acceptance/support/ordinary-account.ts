import { execFile } from 'node:child_process';
import { chown } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { accountOf } from './postgres.js';
import { type Account, MAIN, NODE, projectDirectory, REPOSITORY, type StartOptions } from './server.js';

const run = promisify(execFile);
/** What the built server needs of the repository. */
const NEEDED = ['apps', 'packages', 'node_modules', 'package.json'];

/** Starts a server as somebody who is not root, also where the tests are. */
export async function asOrdinaryAccount(): Promise<StartOptions> {
  const account = accountOf('nobody');
  if (account === undefined) return {};
  const directory = await projectDirectory();
  await chown(directory, account.uid, account.gid);
  return { account, directory, main: await readableMain(account) };
}

/** Who has cloned into a folder of root's own gets a copy. */
async function readableMain(account: Account): Promise<string> {
  const reads = run(NODE, ['-e', `require('node:fs').accessSync(${JSON.stringify(MAIN)})`], { ...account, cwd: '/' });
  if (
    await reads.then(
      () => true,
      () => false,
    )
  )
    return MAIN;
  const copy = await projectDirectory();
  await run('cp', ['-a', ...NEEDED.map((name) => path.join(REPOSITORY, name)), copy]);
  return path.join(copy, path.relative(REPOSITORY, MAIN));
}

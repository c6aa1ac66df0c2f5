import { cp, mkdir, readdir, readlink, realpath, symlink } from 'node:fs/promises';
import path from 'node:path';
import { projectDirectory, REPOSITORY } from './server.js';

/** The server as it is installed somewhere else. */
export interface Installation {
  /** Absolute path of its main module. */
  readonly main: string;
  /** Absolute path of its own copy of the executable of Bun. */
  readonly bun: string;
}

/** What a package has once it is published, beside its node_modules. */
const PUBLISHED = ['package.json', 'dist', 'migrations', 'runtime'];

/**
 * Installs the built server in a folder of its own, so that a test may break it. What is not ours and not Bun is the same
 * as in the repository.
 */
export async function installServer(): Promise<Installation> {
  const root = await projectDirectory();
  const packages = (await readdir(path.join(REPOSITORY, 'packages'))).map((name) => path.join('packages', name));
  for (const folder of ['apps/reactor-server', ...packages]) await install(root, folder);
  return {
    main: path.join(root, 'apps/reactor-server/dist/main.js'),
    bun: path.join(root, 'packages/functions/node_modules/bun/bin/bun.exe'),
  };
}

async function install(root: string, folder: string): Promise<void> {
  const from = path.join(REPOSITORY, folder);
  const to = path.join(root, folder);
  for (const name of await readdir(from)) {
    if (PUBLISHED.includes(name)) await cp(path.join(from, name), path.join(to, name), { recursive: true });
  }
  const modules = (await readdir(from)).includes('node_modules') ? path.join(from, 'node_modules') : undefined;
  if (modules === undefined) return;
  for (const name of await readdir(modules)) {
    if (name.startsWith('.')) continue;
    const names = name.startsWith('@')
      ? (await readdir(path.join(modules, name))).map((one) => `${name}/${one}`)
      : [name];
    for (const one of names) {
      const link = path.join(to, 'node_modules', one);
      await mkdir(path.dirname(link), { recursive: true });
      const target = await realpath(path.join(modules, one));
      if (one === 'bun') await cp(target, link, { recursive: true });
      // Links between our packages are relative.
      else if (one.startsWith('@reactor/')) await symlink(await readlink(path.join(modules, one)), link);
      else await symlink(target, link);
    }
  }
}

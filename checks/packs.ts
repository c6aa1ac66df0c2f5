import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runCommand } from '@reactor/testing/tools';

const ROOT = path.resolve(import.meta.dirname, '..');
const TSC = path.join(ROOT, 'node_modules/.bin/tsc');

/** A package as it would be published. */
export interface Pack {
  readonly name: string;
  readonly tarball: string;
  /** What can be imported of it: `@reactor/core`, `@reactor/core/node`. */
  readonly entryPoints: readonly string[];
}

/** Packs all packages that are not private. */
export async function packAll(into: string): Promise<readonly Pack[]> {
  await runCommand(ROOT, TSC, '-b');
  const folders = path.join(ROOT, 'packages');
  const packages = await Promise.all(
    (await readdir(folders)).map(async (folder) => {
      const { name, version, private: isPrivate, exports } = await readManifest(path.join(folders, folder));
      const tarball = path.join(into, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`);
      const entryPoints = Object.keys(exports).map((subpath) => path.posix.join(name, subpath));
      return { folder, name, tarball, entryPoints, isPrivate };
    }),
  );
  const published = packages.filter(({ isPrivate }) => isPrivate !== true);
  for (const { folder } of published) await removeStale(path.join(folders, folder));
  const filters = published.map(({ name }) => `--filter=${name}`);
  await runCommand(ROOT, 'npx', '-y', 'pnpm@10', '-r', ...filters, 'pack', '--pack-destination', into);
  return published;
}

/** Installs packs as a stranger would: with npm, in a folder that knows nothing of this one. */
export async function installAll(packs: readonly Pack[], home: string): Promise<void> {
  const dependencies = Object.fromEntries(packs.map(({ name, tarball }) => [name, `file:${tarball}`]));
  const devDependencies = { '@types/node': '^20.19.0' };
  await mkdir(home);
  await writeFile(
    path.join(home, 'package.json'),
    JSON.stringify({ private: true, type: 'module', dependencies, devDependencies }),
  );
  // Without the binaries of the embedded PostgreSQL, which nothing here starts.
  await runCommand(home, 'npm', 'install', '--omit=optional', '--prefer-offline', '--no-audit', '--no-fund');
}

/** Type-checks an app that imports every entry point, and all the declarations behind them. */
export async function typeCheck(packs: readonly Pack[], home: string): Promise<void> {
  const entryPoints = packs.flatMap((pack) => pack.entryPoints);
  await writeFile(
    path.join(home, 'app.ts'),
    entryPoints.map((entryPoint, i) => `export * as e${i} from '${entryPoint}';\n`).join(''),
  );
  const compilerOptions = {
    target: 'ES2023',
    module: 'NodeNext',
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    outDir: 'dist',
  };
  await writeFile(path.join(home, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts'] }));
  await runCommand(home, TSC, '-p', '.');
}

/** Imports every entry point in a process of its own. */
export function importAll(home: string): Promise<void> {
  return runCommand(home, process.execPath, 'dist/app.js');
}

/** The compiler leaves the output of sources that are gone, and it would be packed. */
async function removeStale(folder: string): Promise<void> {
  for (const { map } of await mapsThatLeadNowhere(folder)) {
    for (const file of [map, map.replace(/\.map$/, '')]) await rm(path.join(folder, file), { force: true });
  }
}

/** Maps in the `dist` of a package whose source is not where they point. */
export async function mapsThatLeadNowhere(
  folder: string,
): Promise<readonly { readonly map: string; readonly source: string }[]> {
  const files = await readdir(path.join(folder, 'dist'), { recursive: true });
  const maps = files.filter((file) => file.endsWith('.map')).map((file) => path.join('dist', file));
  const found = await Promise.all(
    maps.map(async (map) => {
      const { sources } = JSON.parse(await readFile(path.join(folder, map), 'utf8')) as { sources: string[] };
      return sources
        .filter((source) => !existsSync(path.join(folder, path.dirname(map), source)))
        .map((source) => ({ map, source }));
    }),
  );
  return found.flat();
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly exports: Readonly<Record<string, unknown>>;
}

async function readManifest(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
}

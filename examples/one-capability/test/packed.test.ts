import { spawn } from 'node:child_process';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { COMMAND_TIMEOUT_MS, createTestDatabase, runCommand, temporaryDirectory } from '@reactor/testing';
import { expect, it, onTestFinished } from 'vitest';
import { useShop } from './shop.js';

const EXAMPLE = fileURLToPath(new URL('..', import.meta.url));
const REPOSITORY = join(EXAMPLE, '../..');

/** Names of our packages that `manifest` takes, and that those take in turn: `core`. */
async function packagesOf(manifest: string): Promise<ReadonlySet<string>> {
  const { dependencies = {} } = JSON.parse(await readFile(manifest, 'utf8'));
  const direct = Object.keys(dependencies).flatMap((name) => /^@reactor\/(.+)$/.exec(name)?.[1] ?? []);
  const further = await Promise.all(
    direct.map((name) => packagesOf(join(REPOSITORY, 'packages', name, 'package.json'))),
  );
  return new Set([...direct, ...further.flatMap((names) => [...names])]);
}

/** The tarballs that would be published, by the name of their package. */
async function pack(into: string): Promise<Record<string, string>> {
  await runCommand(REPOSITORY, join(REPOSITORY, 'node_modules/.bin/tsc'), '-b', EXAMPLE);
  const tarballs: Record<string, string> = {};
  for (const name of await packagesOf(join(EXAMPLE, 'package.json'))) {
    const destination = join(into, name);
    await mkdir(destination);
    await runCommand(
      join(REPOSITORY, 'packages', name),
      'npx',
      '-y',
      'pnpm@10',
      'pack',
      '--pack-destination',
      destination,
    );
    const [file] = await readdir(destination);
    tarballs[`@reactor/${name}`] = `file:${join(destination, String(file))}`;
  }
  return tarballs;
}

it('runs from the packed packages, in a folder that knows nothing of this one', {
  timeout: COMMAND_TIMEOUT_MS,
}, async () => {
  const work = await temporaryDirectory();
  const tarballs = await pack(work);

  const home = join(work, 'home');
  await mkdir(home);
  const { dependencies } = JSON.parse(await readFile(join(EXAMPLE, 'package.json'), 'utf8'));
  const manifest = { private: true, type: 'module', dependencies: { ...dependencies, ...tarballs } };
  await writeFile(join(home, 'package.json'), JSON.stringify(manifest));
  // Without the binaries of the embedded PostgreSQL: this one is given a database.
  await runCommand(home, 'npm', 'install', '--omit=optional', '--prefer-offline', '--no-audit', '--no-fund');
  await cp(join(EXAMPLE, 'dist'), join(home, 'dist'), { recursive: true });

  const { connectionString } = await createTestDatabase();
  const shop = spawn(process.execPath, ['dist/main.js'], {
    cwd: home,
    env: { PATH: process.env.PATH, DATABASE_URL: connectionString, PORT: '0', ADMIN_TOKEN: 'of-this-test' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void shop.kill('SIGKILL'));
  const exit = new Promise((resolve) => shop.once('exit', (code, signal) => resolve(code ?? signal)));
  const { value: line } = await createInterface(shop.stdout)[Symbol.asyncIterator]().next();
  const url = /^listening on (http:\S+)$/.exec(String(line))?.[1];
  await useShop(String(url), 'of-this-test');
  shop.kill('SIGTERM');
  expect(await exit).toBe(0);
});

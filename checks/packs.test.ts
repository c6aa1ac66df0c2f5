import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { COMMAND_TIMEOUT_MS } from '@reactor/testing/tools';
import { publint } from 'publint';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { importAll, installAll, mapsThatLeadNowhere, type Pack, packAll, typeCheck } from './packs.js';

let work: string;
let packs: readonly Pack[];
const home = () => path.join(work, 'home');
const installed = (name: string) => path.join(home(), 'node_modules', name);

beforeAll(async () => {
  work = await mkdtemp(path.join(tmpdir(), 'reactor-packs-'));
  packs = await packAll(work);
  await installAll(packs, home());
}, COMMAND_TIMEOUT_MS);
afterAll(() => rm(work, { recursive: true, force: true }));

/** What is wrong, for all packs at once. */
async function ofEach(problems: (pack: Pack) => Promise<readonly string[]>): Promise<readonly string[]> {
  const found: string[] = [];
  for (const pack of packs) found.push(...(await problems(pack)).map((problem) => `${pack.name}: ${problem}`));
  return found;
}

test(
  'a strict app type-checks with all of them, their declarations included, and imports every entry point',
  async () => {
    await typeCheck(packs, home());
    await importAll(home());
  },
  COMMAND_TIMEOUT_MS,
);

test('each holds the licence and a README, no test, and the source that its maps point at', async () => {
  const problems = await ofEach(async ({ name }) => {
    const files = await readdir(installed(name), { recursive: true });
    return [
      ...['LICENSE', 'README.md'].filter((file) => !files.includes(file)).map((file) => `no ${file}`),
      ...files.filter((file) => /\.test\.|\.tsbuildinfo$/.test(file)),
      ...(await mapsThatLeadNowhere(installed(name))).map(({ map, source }) => `${map} points at ${source}`),
    ];
  });
  expect(problems).toEqual([]);
});

test('publint has nothing to say', async () => {
  const problems = await ofEach(async ({ name }) => {
    const { messages } = await publint({ pkgDir: installed(name), pack: false });
    return messages.map((message) => JSON.stringify(message));
  });
  expect(problems).toEqual([]);
});

test('are the types wrong? no', async () => {
  const problems = await ofEach(async ({ tarball }) => {
    const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(await readFile(tarball))));
    if (analysis.types === false) return ['has no types'];
    // ES modules only: a resolver of CommonJS, or of Node.js 10, has no business here.
    return analysis.problems
      .filter((problem) => !('resolutionKind' in problem) || /esm|bundler/.test(problem.resolutionKind))
      .map((problem) => JSON.stringify(problem));
  });
  expect(problems).toEqual([]);
});

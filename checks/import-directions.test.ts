import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '..');

interface Manifest {
  readonly name: string;
  readonly folder: string;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
}

const CAPABILITIES = ['auth', 'data', 'storage', 'functions', 'jobs', 'sites'].map((name) => `@reactor/${name}`);

/** What a package may import of ours. Capabilities name ports; the server supplies them. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  '@reactor/core': [],
  '@reactor/blobs': ['@reactor/core'],
  '@reactor/observability': ['@reactor/core'],
  '@reactor/processes': ['@reactor/core'],
  '@reactor/archive': ['@reactor/core'],
  '@reactor/postgres': ['@reactor/core', '@reactor/processes'],
  '@reactor/reactive-metrics': [],
  '@reactor/testing': ['@reactor/core', '@reactor/postgres'],
  '@reactor/server': [
    '@reactor/core',
    '@reactor/blobs',
    '@reactor/observability',
    '@reactor/postgres',
    ...CAPABILITIES,
  ],
  // Talks HTTP only; see below what it takes of core.
  '@reactor/cli': ['@reactor/core', '@reactor/archive'],
  ...Object.fromEntries(CAPABILITIES.map((name) => [name, ['@reactor/core']])),
  '@reactor/functions': ['@reactor/core', '@reactor/processes', '@reactor/archive'],
  '@reactor/sites': ['@reactor/core', '@reactor/archive'],
};
/** In tests, also the fixtures and the real engine. What the fixtures stand on cannot use them. */
const ALLOWED_IN_TESTS = [
  '@reactor/blobs',
  '@reactor/core',
  '@reactor/observability',
  '@reactor/postgres',
  '@reactor/testing',
];
const BELOW_THE_FIXTURES = [...(ALLOWED['@reactor/testing'] ?? []), '@reactor/processes'];

const manifests = ['packages', 'apps'].flatMap((group) =>
  readdirSync(path.join(ROOT, group)).map((folder): Manifest => {
    const file = path.join(ROOT, group, folder, 'package.json');
    return { ...(JSON.parse(readFileSync(file, 'utf8')) as Manifest), folder: `${group}/${folder}` };
  }),
);

const ours = (dependencies: Record<string, string> = {}) =>
  Object.keys(dependencies).filter((name) => name.startsWith('@reactor/'));

test('every package of packages/ and apps/ has its directions written down', () => {
  expect(manifests.map(({ name }) => name).filter((name) => !(name in ALLOWED))).toEqual([]);
});

test.each(manifests)('$folder depends only on what its place allows', (manifest) => {
  const allowed = ALLOWED[manifest.name] ?? [];
  const { dependencies, peerDependencies, optionalDependencies, devDependencies } = manifest;
  const used = [dependencies, peerDependencies, optionalDependencies].flatMap(ours);
  expect(used.filter((name) => !allowed.includes(name))).toEqual([]);
  const inTests = BELOW_THE_FIXTURES.includes(manifest.name) ? allowed : [...allowed, ...ALLOWED_IN_TESTS];
  expect(ours(devDependencies).filter((name) => !inTests.includes(name))).toEqual([]);
});

test.each(manifests)('the source of $folder imports only what its place allows', (manifest) => {
  const allowed = ALLOWED[manifest.name] ?? [];
  const { dependencies, peerDependencies, optionalDependencies } = manifest;
  const declared = [dependencies, peerDependencies, optionalDependencies].flatMap((all = {}) => Object.keys(all));
  const wrong = importsOf(manifest).filter(({ specifier }) => {
    if (specifier.startsWith('node:') || specifier.startsWith('.')) return false;
    const name = packageOf(specifier);
    if (name === manifest.name) return true;
    return name.startsWith('@reactor/') ? !allowed.includes(name) : !declared.includes(name);
  });
  expect(wrong).toEqual([]);
});

test.each(manifests)('no source of $folder reaches into another package by path', (manifest) => {
  const wrong = importsOf(manifest).filter(({ file, specifier }) => {
    if (!specifier.startsWith('.')) return false;
    return !within(path.join(ROOT, manifest.folder), path.join(ROOT, file), specifier);
  });
  expect(wrong).toEqual([]);
});

/** What comes behind `from`, `import` and `import(`; types too, as they tie packages together just as well. */
const SPECIFIER = /(?:\bfrom|\bimport|\bimport\()\s*'([@\w./:-]+)'/g;

function specifiersOf(file: string): string[] {
  return Array.from(readFileSync(file, 'utf8').matchAll(SPECIFIER), ([, specifier = '']) => specifier);
}

/** Whether a relative import of `file` stays in `folder`. */
function within(folder: string, file: string, specifier: string): boolean {
  return path.resolve(path.dirname(file), specifier).startsWith(folder + path.sep);
}

/** Every import in the sources of a package, those of its unit tests aside. */
function importsOf({ folder }: Manifest): readonly { readonly file: string; readonly specifier: string }[] {
  const files = [...sources(path.join(ROOT, folder, 'src'))].filter((file) => !file.endsWith('.test.ts'));
  return files.flatMap((file) =>
    specifiersOf(file).map((specifier) => ({ file: path.relative(ROOT, file), specifier })),
  );
}

/** `@reactor/core` of `@reactor/core/node`. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

test('the tests of the built programs import no source of ours', () => {
  const acceptance = path.join(ROOT, 'acceptance');
  const wrong = [...sources(acceptance)].flatMap((file) =>
    specifiersOf(file).filter((specifier) => {
      if (specifier.startsWith('.'))
        return !within(acceptance, file, specifier) && !specifier.endsWith('/vitest.shared.ts');
      return specifier.startsWith('@reactor/') && specifier !== '@reactor/testing/tools';
    }),
  );
  expect(wrong).toEqual([]);
  // And what these tools are made of imports nothing of ours either.
  const folder = path.join(ROOT, 'packages/testing/src');
  const read = new Set([path.join(folder, 'tools.ts')]);
  for (const file of read) {
    for (const specifier of specifiersOf(file)) {
      expect(specifier).not.toMatch(/^@reactor\//);
      if (specifier.startsWith('.')) read.add(path.resolve(folder, specifier).replace(/\.js$/, '.ts'));
    }
  }
  expect(read.size).toBeGreaterThan(1);
});

test('the command takes words and texts of core, which bring nothing with them', () => {
  const imports = (folder: string, pattern: RegExp) =>
    [...sources(path.join(ROOT, folder))]
      .filter((file) => !file.endsWith('.test.ts'))
      .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(pattern)].map(([, specifier = '']) => specifier));
  expect(new Set(imports('apps/reactor-cli/src', /(?:\bfrom|\bimport\() ?'(@reactor\/[^']+)'/g))).toEqual(
    new Set(['@reactor/core/terminal', '@reactor/archive']),
  );
  // Only where it is used, as it brings the whole of core: every other command starts without it.
  expect(imports('apps/reactor-cli/src', /\bfrom '(@reactor\/archive)'/g)).toEqual([]);
  // Types are gone once it is built.
  const values = imports('packages/core/src/terminal', /^(?:import|export) (?!type )[^;]*? from '([^']+)'/gm);
  expect(values.filter((specifier) => !specifier.startsWith('./'))).toEqual([]);
});

function* sources(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== 'node_modules') yield* sources(file);
    else if (entry.name.endsWith('.ts')) yield file;
  }
}

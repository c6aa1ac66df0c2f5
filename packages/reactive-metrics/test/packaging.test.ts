import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bundle, PACKAGE, scratchFolder } from './bundle.js';
import { readmePrograms } from './readme.js';

const run = promisify(execFile);
const require = createRequire(import.meta.url);
const TSC = join(
  dirname(createRequire(join(PACKAGE, '../../package.json')).resolve('typescript/package.json')),
  'bin/tsc',
);

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'reactive-metrics-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The folder of an installed package, found from another one that depends on it. */
function packageFolder(name: string, from: NodeJS.Require): string {
  const path = from.resolve.paths(name)?.map((parent) => join(parent, name, 'package.json'));
  const found = path?.find((candidate) => {
    try {
      return readFileSync(candidate).length > 0;
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error(`${name} is not installed`);
  return dirname(realpathSync(found));
}

/** What the example needs besides this package, from the store: the test asks no registry. */
function dependencies(): string[] {
  const rxjs = packageFolder('rxjs', require);
  const prom = packageFolder('prom-client', require);
  const of = (folder: string) => createRequire(join(folder, 'package.json'));
  const tdigest = packageFolder('tdigest', of(prom));
  return [
    rxjs,
    packageFolder('tslib', of(rxjs)),
    prom,
    tdigest,
    packageFolder('bintrees', of(tdigest)),
    packageFolder('@opentelemetry/api', require),
  ];
}

/** Builds this package in `folder` and packs it and its dependencies. @returns the tarballs */
async function pack(folder: string): Promise<string[]> {
  const built = join(folder, 'built');
  for (const file of ['package.json', 'README.md']) cpSync(join(PACKAGE, file), join(built, file));
  const options = ['--outDir', join(built, 'dist'), '--composite', 'false', '--incremental', 'false'];
  const project = ['-p', join(PACKAGE, 'tsconfig.json'), '--tsBuildInfoFile', 'null'];
  await run(process.execPath, [TSC, ...project, ...options]);
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json'], { cwd: built });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  const packed = dependencies().map(async (dependency, index) => {
    // npm cannot pack a folder of pnpm's store; a tarball is a folder called `package`.
    const tarball = join(folder, `dependency-${index}.tgz`);
    const exclude = ['node_modules', 'src', 'dist/bundles', 'dist/esm', 'dist/esm5'].map(
      (path) => `--exclude=./${path}`,
    );
    await run('tar', ['-czf', tarball, ...exclude, '--transform=s,^\\.,package,', '-C', dependency, '.']);
    return tarball;
  });
  return [join(built, filename), ...(await Promise.all(packed))];
}

describe('the packed package', () => {
  it('installs with npm into an empty folder, where the first example of the README runs', async () => {
    const tarballs = await pack(emptyFolder());
    const home = emptyFolder();
    writeFileSync(join(home, 'package.json'), '{"private":true,"type":"module"}');
    await run('npm', ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', ...tarballs], {
      cwd: home,
    });

    const [example] = readmePrograms();
    writeFileSync(join(home, 'example.ts'), example?.code ?? '');
    writeFileSync(join(home, 'plain.mjs'), example?.code ?? '');
    const everything = ['', '/prometheus', '/opentelemetry', '/testing'].map(
      (entry, index) => `import * as entry${index} from '@reactor/reactive-metrics${entry}';`,
    );
    writeFileSync(join(home, 'entries.ts'), `${everything.join('\n')}\nconsole.log(entry0, entry1, entry2, entry3);`);
    const strict = ['--strict', '--exactOptionalPropertyTypes', '--module', 'nodenext', '--target', 'es2022'];
    const types = ['--types', '', '--skipLibCheck', '--outDir', 'out'];
    await run(process.execPath, [TSC, ...strict, ...types, 'example.ts', 'entries.ts'], { cwd: home });
    for (const program of ['out/example.js', 'plain.mjs']) {
      const { stdout } = await run(process.execPath, [program], { cwd: home });
      expect(stdout.trim()).toBe(example?.output);
    }
    await run(process.execPath, ['out/entries.js'], { cwd: home });
    const files = readdirSync(join(home, 'node_modules/@reactor/reactive-metrics'));
    expect(files.sort()).toEqual(['README.md', 'dist', 'package.json']);
    // A compiler, npm twice and three programs, on two busy cores.
  }, 120_000);
});

describe('the README', () => {
  it('shows what its programs print', async () => {
    const programs = readmePrograms();
    expect(programs).toHaveLength(2);
    for (const { code, output } of programs) {
      const file = join(scratchFolder(), 'readme.mjs');
      const external = ['rxjs', 'prom-client', '@opentelemetry/api', '@opentelemetry/sdk-metrics'];
      writeFileSync(file, await bundle(code, { external, platform: 'node' }));
      expect((await run(process.execPath, [file])).stdout.trim()).toBe(output);
    }
  });
});

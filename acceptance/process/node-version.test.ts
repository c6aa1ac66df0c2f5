import { spawnSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { MAIN, projectDirectory, REPOSITORY } from '../support/server.js';

const ENTRIES = { 'reactor-server': MAIN, reactor: path.join(REPOSITORY, 'apps/reactor-cli/dist/main.js') };

/**
 * The entry file and its check alone, under a Node.js that calls itself `version`. Whatever else it would import is not
 * there, so a check that came after another import could not speak. `.ci/run` runs the same on a real old Node.js.
 */
async function startAs(version: string, entry: string) {
  const directory = await projectDirectory();
  for (const file of ['main.js', 'node-version.js']) {
    copyFileSync(path.join(path.dirname(entry), file), path.join(directory, file));
  }
  writeFileSync(path.join(directory, 'package.json'), '{"type":"module"}');
  const pretend = `Object.defineProperty(process.versions, 'node', { value: '${version}' })`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, path.join(directory, 'main.js')],
    { encoding: 'utf8' },
  );
  return { status, stdout, stderr };
}

for (const [name, entry] of Object.entries(ENTRIES)) {
  test(`${name} ends with 2 and one line on an old Node.js, before it imports anything`, async () => {
    for (const version of ['12.22.12', '18.20.8', '20.18.3']) {
      expect(await startAs(version, entry)).toEqual({
        status: 2,
        stdout: '',
        stderr: `${name}: needs Node.js 20.19 or newer, this is v${version}\n`,
      });
    }
    for (const version of ['20.19.0', '22.0.0', '26.1.0']) {
      expect((await startAs(version, entry)).stderr).toMatch(/ERR_MODULE_NOT_FOUND/);
    }
  });
}

test('every package.json names the same oldest Node.js, and pnpm refuses older ones', () => {
  const folders = ['apps', 'packages', 'examples'].flatMap((folder) =>
    readdirSync(path.join(REPOSITORY, folder)).map((name) => path.join(folder, name)),
  );
  const engines = ['.', 'bench', ...folders].map((folder) => {
    const manifest = JSON.parse(readFileSync(path.join(REPOSITORY, folder, 'package.json'), 'utf8')) as {
      engines?: { node?: string };
    };
    return [folder, manifest.engines?.node];
  });
  expect(engines.filter(([, node]) => node !== '>=20.19')).toEqual([]);
  expect(readFileSync(path.join(REPOSITORY, 'pnpm-workspace.yaml'), 'utf8')).toMatch(/^engineStrict: true$/m);
});

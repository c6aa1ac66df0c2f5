import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { processesOf } from './processes.js';
import { REPOSITORY, type TestServer } from './server.js';

const INSTALLED = path.join(REPOSITORY, 'packages/functions/node_modules');

export interface DeployedVersion {
  readonly id: string;
  readonly version: number;
  readonly status: string;
}

/**
 * A folder of a function, packed by the `tar` of this machine as a person would.
 * @param files by path
 * @param packages of npm that lie in its `node_modules`, as this repository has them installed
 */
export async function pack(
  files: Readonly<Record<string, string>>,
  packages: readonly string[] = [],
): Promise<Buffer<ArrayBuffer>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'reactor-function-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
      await writeFile(path.join(folder, name), text);
    }
    for (const name of packages) {
      await cp(await realpath(path.join(INSTALLED, name)), path.join(folder, 'node_modules', name), {
        recursive: true,
      });
    }
    return Buffer.from(execFileSync('tar', ['-czf', '-', '-C', folder, '.'], { maxBuffer: 100_000_000 }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Makes the function where there is none. */
export async function createFunction(server: TestServer, name: string): Promise<void> {
  const answer = await server.admin('/fn/v1/_admin/functions', json('POST', { name }));
  if (answer.status !== 201 && answer.status !== 409) throw new Error(`create: ${await answer.text()}`);
}

/**
 * Deploys and promotes it, and makes the function where there is none.
 * @param code of `index.ts`, or the files by path
 * @param settings what `function.json` says, beside `access: "public"`
 * @param packages of npm, as `pack` takes them
 */
export async function deploy(
  server: TestServer,
  name: string,
  code: string | Readonly<Record<string, string>>,
  settings: object = {},
  packages: readonly string[] = [],
): Promise<DeployedVersion> {
  await createFunction(server, name);
  const files = typeof code === 'string' ? { 'index.ts': code } : code;
  const body = await pack({ 'function.json': JSON.stringify({ access: 'public', ...settings }), ...files }, packages);
  const answer = await server.admin(`/fn/v1/_admin/functions/${name}/deployments?promote=true`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/gzip' },
    body,
  });
  if (!answer.ok) throw new Error(`deploy: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as DeployedVersion;
}

export function json(method: string, value: unknown): RequestInit {
  return { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(value) };
}

export async function setVariable(server: TestServer, name: string, key: string, value: string): Promise<void> {
  const answer = await server.admin(
    `/fn/v1/_admin/functions/${name}/env/${key}`,
    json('PUT', { value, is_secret: true }),
  );
  if (answer.status !== 204) throw new Error(`variable: ${answer.status} ${await answer.text()}`);
}

/** Process ids of the functions that a server runs: their command names its shim. */
export async function functionProcesses(server: Pick<TestServer, 'stateDirectory'>): Promise<number[]> {
  return (await processesOf(server.stateDirectory))
    .filter(({ command }) => /^\S*bun\S* .*shim\.mjs/.test(command))
    .map(({ pid }) => pid);
}

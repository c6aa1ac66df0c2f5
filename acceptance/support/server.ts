import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { memoryDirectory, whenOver } from '@reactor/testing/tools';
import { inject } from 'vitest';
import { processesOf } from './processes.js';
import { until } from './until.js';

export const REPOSITORY = path.resolve(import.meta.dirname, '../..');
export const MAIN = path.join(REPOSITORY, 'apps/reactor-server/dist/main.js');
/** The `reactor` command. */
export const CLI = path.join(REPOSITORY, 'apps/reactor-cli/bin/reactor.js');

/** Runs the built programs: this Node.js, or the one whose path is in `REACTOR_TEST_NODE`. */
export const NODE = process.env.REACTOR_TEST_NODE ?? process.execPath;

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export interface StartOptions {
  /**
   * Default: a new one, removed after the test. A server with nothing but defaults and an embedded database finds the state of a first start
   * there; one that is to make its database gets an empty `projectDirectory()`.
   */
  readonly directory?: string;
  /** Text of a Reactor.toml; default none. */
  readonly config?: string;
  readonly arguments?: readonly string[];
  /** Absolute path of the main module; default that of the repository. */
  readonly main?: string;
  /** Account that it runs under; default that of the tests. */
  readonly account?: Account;
  readonly environment?: Readonly<Record<string, string>>;
  /** Default true: wait until `/health` is 200. */
  readonly ready?: boolean;
}

export interface TestServer {
  readonly url: string;
  readonly directory: string;
  readonly stateDirectory: string;
  readonly token: string;
  readonly process: ChildProcess;
  readonly pid: number;
  /** Everything written so far. */
  stdout(): string;
  stderr(): string;
  /** A request as the operator. */
  admin(path: string, init?: RequestInit): Promise<Response>;
  /** Sends the signal and waits for the end. @returns the exit code, or null after SIGKILL */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** A new folder, in memory where there is room: what a killed process wrote is there just as on a disk. */
export async function emptyDirectory(): Promise<string> {
  const directory = await memoryDirectory();
  // PostgreSQL runs as another user when the server is root, and has to get through.
  await chmod(directory, 0o755);
  return directory;
}

/** An empty folder that goes with the test. */
export async function projectDirectory(): Promise<string> {
  const directory = await emptyDirectory();
  whenOver(() => rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  return directory;
}

/** Runs a command of the built server to its end. */
export async function runServer(
  directory: string,
  args: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
  main = MAIN,
) {
  const child = launch(directory, args, environment, main);
  const [code] = (await once(child.process, 'close')) as [number | null];
  return { code, stdout: child.stdout(), stderr: child.stderr() };
}

/**
 * Starts the built server on a free port of its own, with everything local in a folder of its own. It ends with the test; one that is
 * started at the top level of a file is shared by those of its tests that break nothing.
 */
export async function startServer(options: StartOptions = {}): Promise<TestServer> {
  const directory = options.directory ?? (await newProject(options));
  if (options.config !== undefined) await writeFile(path.join(directory, 'Reactor.toml'), options.config);
  const args = ['--bind', '127.0.0.1:0', ...(options.arguments ?? [])];
  const child = launch(directory, args, options.environment ?? {}, options.main, options.account);
  whenOver(async () => {
    if (child.process.exitCode === null && child.process.signalCode === null) {
      child.process.kill('SIGKILL');
      await once(child.process, 'close');
    }
    // Its PostgreSQL sees the end of its parent and goes too; then the folder may be removed.
    await until('PostgreSQL to end', async () => ((await processesOf(directory)).length === 0 ? true : undefined));
  });
  const stateDirectory = path.join(directory, '.reactor');
  const pid = child.process.pid as number;
  const url = await until('the server to listen', async () => {
    if (child.process.exitCode !== null) throw new Error(`exit ${child.process.exitCode}\n${child.stderr()}`);
    const [owner, record = ''] = (await readFile(path.join(stateDirectory, 'server.pid'), 'utf8')).split('\n');
    return Number(owner) === pid ? (JSON.parse(record) as { url?: string }).url : undefined;
  });
  const token = async () =>
    options.environment?.REACTOR_ADMIN__TOKEN ??
    (await readFile(path.join(stateDirectory, 'admin-token'), 'utf8')).trim();
  if (options.ready !== false) {
    await until('the server to be healthy', async () => {
      if (child.process.exitCode !== null) throw new Error(`exit ${child.process.exitCode}\n${child.stderr()}`);
      return (await fetch(`${url}/health`)).ok || undefined;
    });
  }
  const adminToken = await token();
  return {
    url,
    directory,
    stateDirectory,
    token: adminToken,
    process: child.process,
    pid,
    stdout: child.stdout,
    stderr: child.stderr,
    admin: (to, init = {}) =>
      fetch(`${url}${to}`, { ...init, headers: { Authorization: `Bearer ${adminToken}`, ...init.headers } }),
    async end(signal) {
      const closed = once(child.process, 'close') as Promise<[number | null]>;
      child.process.kill(signal);
      return (await closed)[0];
    },
  };
}

async function newProject({ config, environment = {} }: StartOptions): Promise<string> {
  const directory = await projectDirectory();
  if (config === undefined && environment.REACTOR_DATABASE__URL === undefined) {
    // With owners and modes, which copies of Node.js lose.
    await promisify(execFile)('cp', ['-a', inject('firstStart'), directory]);
  }
  return directory;
}

function launch(
  directory: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  main = MAIN,
  account?: Account,
) {
  const process_ = spawn(NODE, [main, ...args], {
    ...account,
    cwd: directory,
    env: { PATH: process.env.PATH, HOME: directory, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  process_.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  process_.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  return { process: process_, stdout: () => stdout, stderr: () => stderr };
}

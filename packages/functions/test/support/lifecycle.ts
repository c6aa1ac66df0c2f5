import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeArchive } from '@reactor/archive';
import { createFilesystemBlobStore } from '@reactor/blobs';
import {
  authenticate,
  type BlobStore,
  type Clock,
  createRoutes,
  createServices,
  MAX_BODY_BYTES,
  silentLogger,
  systemClock,
  withContext,
} from '@reactor/core';
import { loadMigrations } from '@reactor/core/node';
import { createTestDatabase, type TestDatabase, temporaryDirectory, testTokens } from '@reactor/testing';
import { Hono } from 'hono';
import type { FunctionsConfig } from '../../src/config.js';
import { createLifecycle, type Lifecycle } from '../../src/lifecycle.js';
import { addDeploymentRoutes } from '../../src/routes/deployments.js';
import { addEnvironmentRoutes } from '../../src/routes/environment.js';
import { addFunctionRoutes } from '../../src/routes/functions.js';
import { type BunRuntime, findBun } from '../../src/runtime/bun.js';

export const SECRET = 'a secret of at least 32 characters';

/** Of functions, apart from what a test is about. */
export const CONFIG = {
  secret: SECRET,
  formerSecrets: [],
  maxInstancesPerFunction: 8,
  defaultTimeoutMs: 30_000,
  bundleMaxBytes: 5_000_000,
};

export interface TestFunctions {
  readonly lifecycle: Lifecycle;
  readonly database: TestDatabase['database'];
  readonly connectionString: string;
  /** Of the blobs and the caches. */
  readonly folder: string;
  readonly blobs: BlobStore;
  readonly bun: BunRuntime;
  readonly clock: Clock;
  /** How each deployment ended. */
  readonly results: readonly string[];
  /** From now on Bun cannot be run, and this is why; undefined repairs it. */
  breakBun(why: Error | undefined): void;
  /** Puts the clock forward by milliseconds. */
  advance(ms: number): void;
  /** A request below `/fn/v1/_admin`, as `admin`, `alice` or nobody (undefined). */
  as(token: string | undefined): (method: string, path: string, init?: RequestInit) => Promise<Response>;
  /** Makes a function. */
  create(name: string): Promise<void>;
  /** Deploys this bundle as `application/gzip`. */
  deploy(name: string, bundle: Uint8Array, query?: string): Promise<Response>;
  /** Another server on the same database, blobs and machine, with a cache of its own. */
  another(): Promise<Lifecycle>;
  /** The same server once more, as after a start. */
  restart(): Promise<Lifecycle>;
  /** Names in the cache of bundles, but for the one of ours. */
  folders(): Promise<string[]>;
  keys(): Promise<string[]>;
  sweep(): Promise<void>;
}

/** The lifecycle of functions with a database, blobs and a cache of its own, started, mounted in a plain Hono app. */
export async function createTestFunctions(
  options: Partial<FunctionsConfig> & Partial<Pick<BunRuntime, 'account' | 'binary' | 'cacheDirectory'>> = {},
): Promise<TestFunctions> {
  const folder = await temporaryDirectory();
  const { account, binary = findBun(), cacheDirectory = join(folder, 'cache'), ...config } = options;
  let aheadMs = 0;
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
  const { database, connectionString } = await createTestDatabase();
  for (const { sql } of loadMigrations(new URL('../../migrations/', import.meta.url))) await database.query(sql);
  const blobs = createFilesystemBlobStore({ root: join(folder, 'blobs'), clock });
  const scripts = fileURLToPath(new URL('../../runtime/', import.meta.url));
  const bun: BunRuntime = { binary, account, cacheDirectory, scripts };
  const results: string[] = [];
  let broken: Error | undefined;
  const shared = (own: BunRuntime) => ({
    config: { ...CONFIG, ...config },
    bun: async () => {
      if (broken !== undefined) throw broken;
      return own;
    },
    clock,
    onDeployed: (result: string) => void results.push(result),
  });
  const services = createServices<{ database: typeof database; blobs: BlobStore }, Lifecycle>(
    { database, blobs },
    { make: (ports) => createLifecycle(ports, shared(bun)), start: (service) => service.start() },
  );
  await services.start();
  const lifecycle = services.of();

  const routes = createRoutes();
  routes.use(withContext({ logger: silentLogger }));
  routes.use(authenticate(() => testTokens));
  addFunctionRoutes(routes, services, MAX_BODY_BYTES);
  addDeploymentRoutes(routes, services, MAX_BODY_BYTES);
  addEnvironmentRoutes(routes, services, MAX_BODY_BYTES);
  const app = new Hono();
  app.route('/fn/v1', routes);

  const as: TestFunctions['as'] =
    (token) =>
    async (method, path, init = {}) => {
      const headers = new Headers(init.headers);
      if (token !== undefined) headers.set('Authorization', `Bearer ${token}`);
      return app.request(`http://localhost/fn/v1/_admin${path}`, { ...init, method, headers });
    };
  return {
    lifecycle,
    database,
    connectionString,
    folder,
    blobs,
    bun,
    clock,
    results,
    as,
    breakBun: (why) => {
      broken = why;
    },
    advance: (ms) => {
      aheadMs += ms;
    },
    async create(name) {
      const answer = await as('admin')('POST', '/functions', jsonBody({ name }));
      if (answer.status !== 201) throw new Error(await answer.text());
    },
    deploy: (name, bundle, query = '') =>
      as('admin')('POST', `/functions/${name}/deployments${query}`, {
        body: bundle as Uint8Array<ArrayBuffer>,
        headers: { 'Content-Type': 'application/gzip' },
      }),
    async another() {
      const own = { ...bun, cacheDirectory: join(folder, 'another') };
      const other = createLifecycle({ database, blobs }, shared(own));
      await other.start();
      return other;
    },
    async restart() {
      const again = createLifecycle({ database, blobs }, shared(bun));
      await again.start();
      return again;
    },
    async folders() {
      const names = await readdir(await cacheOf(lifecycle, bun));
      return names.filter((name) => name !== '.boot').sort();
    },
    async keys() {
      const found: string[] = [];
      for await (const { key } of blobs.list('')) found.push(key);
      return found.sort();
    },
    async sweep() {
      await lifecycle.sweeper.sweep(new AbortController().signal);
    },
  };
}

/** Where the bundles of this database are on this machine. */
export async function cacheOf({ ledger }: Pick<Lifecycle, 'ledger'>, bun: BunRuntime): Promise<string> {
  return join(bun.cacheDirectory, 'functions', await ledger.storeId());
}

/** A tar.gz of these files. */
export async function bundleOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<Buffer> {
  const entries = Object.entries(files).map(([path, content]) => {
    const bytes = Buffer.from(content);
    return { path, size: bytes.length, body: once(bytes) };
  });
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeArchive(entries)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}

/** A handler that answers with this text; another text is another bundle. */
export function handler(text: string): Readonly<Record<string, string>> {
  return { 'index.ts': `export default { fetch: (): Response => new Response(${JSON.stringify(text)}) };\n` };
}

export function jsonBody(value: unknown): RequestInit {
  return { body: JSON.stringify(value), headers: { 'Content-Type': 'application/json' } };
}

/** Status and error code of an answer, which must be the envelope of errors. */
export async function refusal(answer: Response): Promise<string> {
  const { error } = (await answer.json()) as { error: { code: string; status: number } };
  if (error.status !== answer.status) throw new Error(`envelope says ${error.status}, answer ${answer.status}`);
  return `${answer.status} ${error.code}`;
}

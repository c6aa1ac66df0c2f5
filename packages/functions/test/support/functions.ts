import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { writeArchive } from '@reactor/archive';
import { createFilesystemBlobStore } from '@reactor/blobs';
import { type BlobStore, type Clock, systemClock, withServiceTokens } from '@reactor/core';
import {
  createTestDatabase,
  listen,
  type RecordedLine,
  recordingLogger,
  type TestDatabase,
  temporaryDirectory,
  testTokens,
  whenOver,
} from '@reactor/testing';
import { Hono } from 'hono';
import { createFunctions, type Functions, type FunctionsConfig, parseFunctionsConfig } from '../../src/index.js';

export const SECRET = 'a secret that only these tests have';

export interface TestFunctions {
  readonly functions: Functions;
  readonly database: TestDatabase['database'];
  readonly connectionString: string;
  readonly blobs: BlobStore;
  /** `functions.secret`. */
  readonly secret: string;
  /** Of this server alone. */
  readonly cacheDirectory: string;
  readonly lines: readonly RecordedLine[];
  /** `http://127.0.0.1:<port>/fn/v1` */
  readonly url: string;
  /** Puts the monotonic clock forward by milliseconds. */
  advance(ms: number): void;
  /** A request below `/fn/v1`, as `admin`, `alice`, `bob` or nobody (undefined). */
  as(token: string | undefined): (method: string, path: string, init?: RequestInit) => Promise<Response>;
  /**
   * Creates the function where it is missing, deploys a bundle and promotes it.
   * @param code of `index.ts`, or the files by path
   */
  deploy(name: string, code: string | Readonly<Record<string, string>>, settings?: object): Promise<void>;
}

export interface TestFunctionsOptions {
  readonly config?: Partial<FunctionsConfig>;
  /** Another server on the same database and blobs. */
  readonly beside?: TestFunctions;
}

/** Functions with a database and folders of its own, started, served on a port. */
export async function createTestFunctions({ config, beside }: TestFunctionsOptions = {}): Promise<TestFunctions> {
  const { database, connectionString } = beside ?? (await createTestDatabase());
  const directory = await temporaryDirectory();
  // Functions run under another account when this is root.
  await chmod(directory, 0o755);
  const blobs = beside?.blobs ?? createFilesystemBlobStore({ root: join(directory, 'blobs'), clock: systemClock });
  const { logger, lines } = recordingLogger();
  let aheadMs = 0;
  const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + aheadMs };
  const advance = (ms: number) => {
    aheadMs += ms;
  };
  const cacheDirectory = join(directory, 'cache');
  const app = new Hono();
  const { url: server } = await listen({ fetch: app.fetch });
  const tokens = withServiceTokens(testTokens, () => functions.serviceTokens);
  const functions: Functions = createFunctions(
    { ...parseFunctionsConfig({ secret: SECRET }), ...config },
    { logger, clock, database, tokens, blobs, cacheDirectory, url: server },
  );
  if (beside === undefined) for (const { sql } of functions.migrations) await database.query(sql);
  await functions.start();
  whenOver(() => functions.stop(AbortSignal.timeout(1_000)));
  app.route(functions.basePath, functions.routes);
  const url = `${server}/fn/v1`;
  const as: TestFunctions['as'] =
    (token) =>
    async (method, path, init = {}) => {
      const headers = new Headers(init.headers);
      if (token !== undefined) headers.set('Authorization', `Bearer ${token}`);
      return fetch(`${url}${path}`, { ...init, method, headers });
    };
  const deploy: TestFunctions['deploy'] = async (name, code, settings = {}) => {
    const admin = as('admin');
    await admin('POST', '/_admin/functions', jsonBody({ name }));
    const files = typeof code === 'string' ? { 'index.ts': code } : code;
    const body = await bundle({ 'function.json': JSON.stringify({ access: 'public', ...settings }), ...files });
    const headers = { 'Content-Type': 'application/gzip' };
    const answer = await admin('POST', `/_admin/functions/${name}/deployments?promote=true`, { body, headers });
    if (!answer.ok) throw new Error(await answer.text());
  };
  return {
    functions,
    database,
    connectionString,
    blobs,
    secret: SECRET,
    cacheDirectory,
    lines,
    url,
    advance,
    as,
    deploy,
  };
}

export function jsonBody(value: unknown): RequestInit {
  return { body: JSON.stringify(value), headers: { 'Content-Type': 'application/json' } };
}

/** A tar.gz of these files. */
export async function bundle(files: Readonly<Record<string, string>>): Promise<Uint8Array<ArrayBuffer>> {
  const entries = Object.entries(files).map(([path, text]) => ({
    path,
    size: Buffer.byteLength(text),
    body: new Blob([text]).stream(),
  }));
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeArchive(entries)) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

/** Status and error code of an answer, which must be the envelope of errors. */
export async function refusal(answer: Response): Promise<string> {
  const body = (await answer.json()) as { error: { code: string; status: number; message: string } };
  if (body.error.status !== answer.status) {
    throw new Error(`envelope says ${body.error.status}, answer ${answer.status}`);
  }
  return `${answer.status} ${body.error.code}`;
}

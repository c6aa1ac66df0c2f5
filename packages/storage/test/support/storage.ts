import { join } from 'node:path';
import { createFilesystemBlobStore } from '@reactor/blobs';
import { type BlobStore, type Capability, type Clock, silentLogger, systemClock } from '@reactor/core';
import { createTestDatabase, type TestDatabase, temporaryDirectory, testTokens, whenOver } from '@reactor/testing';
import { Hono } from 'hono';
import { createStorage } from '../../src/index.js';

export interface TestStorage {
  readonly storage: Capability;
  readonly app: Hono;
  readonly database: TestDatabase['database'];
  readonly connectionString: string;
  readonly blobs: BlobStore;
  /** The folder of the blob store. */
  readonly root: string;
  readonly clock: Clock;
  /** Puts the clock forward by milliseconds. */
  advance(ms: number): void;
  /** A request below `/storage/v1`, as `admin`, `alice`, `bob` or nobody (undefined). */
  as(token: string | undefined): (method: string, path: string, init?: RequestInit) => Promise<Response>;
  /** Makes a bucket. */
  bucket(slug: string, isPublic?: boolean): Promise<void>;
}

/** Storage with a database and a folder of its own, started, mounted in a plain Hono app. */
export async function createTestStorage({
  maxUploadBytes = 10_000_000,
  maxBodyBytes,
}: {
  maxUploadBytes?: number;
  maxBodyBytes?: number;
} = {}): Promise<TestStorage> {
  let aheadMs = 0;
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + aheadMs };
  const { database, connectionString } = await createTestDatabase();
  const root = join(await temporaryDirectory(), 'blobs');
  const blobs = createFilesystemBlobStore({ root, clock });
  const ports = { database, tokens: testTokens, blobs };
  const limits = maxBodyBytes === undefined ? {} : { maxBodyBytes };
  const context = { logger: silentLogger, clock, ...ports, ...limits };
  const storage = createStorage({ maxUploadBytes }, context);
  for (const { sql } of storage.migrations) await database.query(sql);
  await storage.start();
  whenOver(() => storage.stop(AbortSignal.timeout(1_000)));
  const app = new Hono();
  app.route(storage.basePath, storage.routes);
  const as: TestStorage['as'] =
    (token) =>
    async (method, path, init = {}) => {
      const headers = new Headers(init.headers);
      if (token !== undefined) headers.set('Authorization', `Bearer ${token}`);
      return app.request(`http://localhost/storage/v1${path}`, { ...init, method, headers });
    };
  const bucket = async (slug: string, isPublic = false) => {
    const answer = await as('admin')('POST', '/buckets', jsonBody({ slug, is_public: isPublic }));
    if (answer.status !== 201) throw new Error(await answer.text());
  };
  const advance = (ms: number) => {
    aheadMs += ms;
  };
  return { storage, app, database, connectionString, blobs, root, clock, advance, as, bucket };
}

export function jsonBody(value: unknown): RequestInit {
  return { body: JSON.stringify(value), headers: { 'Content-Type': 'application/json' } };
}

/** Status and error code of an answer, which must be the envelope of errors. */
export async function refusal(answer: Response): Promise<string> {
  const body = (await answer.json()) as { error: { code: string; status: number; message: string } };
  if (body.error.status !== answer.status)
    throw new Error(`envelope says ${body.error.status}, answer ${answer.status}`);
  return `${answer.status} ${body.error.code}`;
}

import { type Capability, type Clock, createRoutes, type Logger, silentLogger, systemClock } from '@reactor/core';
import { type TestDatabase, whenOver } from '@reactor/testing';
import { Hono } from 'hono';
import { createData, type DataConfig, parseDataConfig } from '../../src/index.js';
import { databaseWith } from './database.js';
import { testTokens } from './tokens.js';

export interface TestData {
  readonly data: Capability;
  readonly app: Hono;
  readonly database: TestDatabase['database'];
  readonly connectionString: string;
  /** A request below `/data/v1`, as `admin`, `alice`, `bob` or nobody (undefined). */
  as(token: string | undefined): (method: string, path: string, init?: RequestInit) => Promise<Response>;
}

export interface TestDataOptions {
  readonly config?: Partial<DataConfig>;
  readonly logger?: Logger;
  /** What an app had in the database before Reactor came. */
  readonly before?: string;
}

/**
 * Data on a database of its own that holds what `sql` makes, started, mounted in a plain Hono app. Made at the top level of a file, it is
 * shared by its tests: that is for tests which only read, as a database and a start take longer than all their requests.
 */
export async function createTestData(
  sql: string,
  { config = {}, logger = silentLogger, before }: TestDataOptions = {},
): Promise<TestData> {
  const { database, connectionString } = await databaseWith(sql, before);
  const clock: Clock = systemClock;
  const data = createData({ ...parseDataConfig({}), ...config }, { logger, clock, database, tokens: testTokens });
  whenOver(() => data.stop(AbortSignal.timeout(1_000)));
  await data.start();
  const app = new Hono();
  app.route(data.basePath, createRoutes().route('/', data.routes));
  const as: TestData['as'] =
    (token) =>
    async (method, path, init = {}) => {
      const headers = new Headers(init.headers);
      if (token !== undefined) headers.set('Authorization', `Bearer ${token}`);
      return app.request(`http://localhost/data/v1${path}`, { ...init, method, headers });
    };
  return { data, app, database, connectionString, as };
}

export function jsonBody(value: unknown, headers: Record<string, string> = {}): RequestInit {
  return { body: JSON.stringify(value), headers: { 'Content-Type': 'application/json', ...headers } };
}

/**
 * `<status> <PostgREST code> <Reactor code>` of an answer that must be an error in both shapes at once.
 */
export async function refusal(answer: Response): Promise<string> {
  const body = (await answer.json()) as {
    error: { code: string; status: number; message: string };
    code: string;
    message: string;
  };
  if (body.error.status !== answer.status) throw new Error(`${answer.status}: ${JSON.stringify(body)}`);
  if (body.error.message !== body.message) throw new Error(`two messages: ${JSON.stringify(body)}`);
  if (!('details' in body) || !('hint' in body)) throw new Error(`members are missing: ${JSON.stringify(body)}`);
  return `${answer.status} ${body.code} ${body.error.code}`;
}

import {
  bearerToken,
  type Clock,
  type Database,
  type Logger,
  type Peer,
  type ReactorEnv,
  silentLogger,
} from '@reactor/core';
import { createTestDatabase, type TestDatabase, whenOver } from '@reactor/testing';
import { type Context, Hono } from 'hono';
import { onTestFinished, vi } from 'vitest';
import { type Auth, type AuthConfig, createAuth, parseAuthConfig } from '../src/index.js';

export const SECRET = 'Vq3t8mYw2kZr6nXc9pLb4sHd7fJg1aQe';

/** All time from `Date`, as better-auth knows no clock but that; `vi.setSystemTime` moves both. */
export const dateClock: Clock = { now: () => Date.now(), monotonic: () => Date.now() };

/** The capability mounted as in someone's own app. */
export interface TestAuth {
  readonly auth: Auth;
  readonly app: Hono<ReactorEnv>;
  readonly database: Database;
  readonly config: AuthConfig;
  /** Sends JSON to a path below `/auth/v1`. */
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
}

/** An empty, migrated database that goes away with the test or file, or earlier by `drop`. */
export async function createAuthDatabase(): Promise<TestDatabase> {
  const created = await createTestDatabase();
  await migrate(created.database);
  return created;
}

async function migrate(database: Database): Promise<void> {
  const { migrations } = createAuth(parseAuthConfig({ secret: SECRET }), {
    database,
    clock: dateClock,
    logger: silentLogger,
  });
  for (const { sql } of migrations) await database.query(sql);
}

export interface TestAuthOptions {
  readonly database?: Database;
  readonly section?: Record<string, unknown>;
  /** Where requests seem to come from; undefined: the app does not tell. */
  readonly address?: string | (() => string | undefined);
  readonly start?: boolean;
  readonly logger?: Logger;
  /** The operator's token. */
  readonly operatorToken?: string;
  readonly trustedOrigins?: readonly string[];
}

export async function createTestAuth(options: TestAuthOptions = {}): Promise<TestAuth> {
  const database = options.database ?? (await createAuthDatabase()).database;
  const config = parseAuthConfig({ secret: SECRET, allow_signup: true, ...options.section });
  const { logger = silentLogger, operatorToken, trustedOrigins = [] } = options;
  const ports = {
    database,
    clock: dateClock,
    logger,
    trustedOrigins,
    isOperator: (c: Context<ReactorEnv>) => operatorToken !== undefined && bearerToken(c) === operatorToken,
  };
  const auth = createAuth(config, ports);
  if (options.start !== false) await auth.start();
  whenOver(() => auth.stop(AbortSignal.timeout(1_000)));
  const app = new Hono<ReactorEnv>();
  app.use(async (c, next) => {
    const { address } = options;
    const clientAddress = typeof address === 'function' ? address() : address;
    if (clientAddress !== undefined) {
      c.set('peer', { address: clientAddress, clientAddress, forwarded: false } satisfies Peer);
    }
    await next();
  });
  app.route(auth.basePath, auth.routes);
  const send = async (path: string, init: RequestInit): Promise<Answer> => {
    const response = await app.request(`http://reactor.test${auth.basePath}${path}`, init);
    const text = await response.text();
    const isJson = response.headers.get('Content-Type')?.startsWith('application/json') === true;
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  };
  return {
    auth,
    app,
    database,
    config,
    post: (path, body, headers = {}) =>
      send(path, {
        method: 'POST',
        headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    get: (path, headers = {}) => send(path, { headers }),
  };
}

export const PASSWORD = 'correct horse battery';

/** Signs up and gives back the answer's body. */
export async function signUp(auth: TestAuth, email = 'ada@example.com') {
  const { status, body } = await auth.post('/signup', { email, password: PASSWORD });
  if (status !== 201) throw new Error(`sign-up answered ${status}: ${JSON.stringify(body)}`);
  return body as {
    readonly user: { readonly id: string; readonly email: string };
    readonly access_token: string;
    readonly refresh_token: string;
    readonly expires_at: string;
  };
}

export function bearer(token: string): Record<string, string> {
  return { Authorization: `Bearer ${token}` };
}

/** The value of one series, from the family a scrape would read. */
export async function sampleOf({ auth }: TestAuth, name: string, labels: Record<string, string> = {}): Promise<number> {
  const family = auth.metrics.families.find((candidate) => candidate.name === name);
  if (family === undefined) throw new Error(`no family ${name}`);
  const { values } = await family.get();
  const found = values.filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value));
  const [sample] = found;
  if (sample === undefined || found.length > 1) throw new Error(`${found.length} series of ${name} match`);
  return sample.value;
}

/** Moves `Date`, and with it every clock there is, until the test ends. */
export function moveTime(seconds: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 });
  onTestFinished(() => {
    vi.useRealTimers();
  });
}

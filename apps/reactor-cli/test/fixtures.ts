import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { serve } from '@hono/node-server';
import { type DoctorProbe, type HealthResult, type Logger, type ReactorEnv, systemClock } from '@reactor/core';
import {
  createHealth,
  createLogging,
  doctorRoutes,
  errorHandler,
  instrumentHttp,
  logRoutes,
  notFound,
  runDoctor,
} from '@reactor/observability';
import { Hono } from 'hono';
import { onTestFinished } from 'vitest';
import { runCli } from '../src/index.js';

export const TOKEN = 'operator-token-of-these-tests-0123456789';

class Memory extends Writable {
  readonly #chunks: Buffer[] = [];
  readonly isTTY: boolean;

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#chunks.push(chunk);
    done();
  }
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly directory?: string;
  /** Whether a person looks. Default false. */
  readonly terminal?: boolean;
  readonly signal?: AbortSignal;
  /** Default: nothing. */
  readonly stdin?: Readable & { readonly isTTY?: boolean };
}

export interface Running {
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly bytes: () => Buffer;
  readonly exit: Promise<number>;
}

/** Starts a command line, with everything of the process in memory. */
export function start(argv: readonly string[], options: RunOptions = {}): Running {
  const stdout = new Memory(options.terminal ?? false);
  const stderr = new Memory(options.terminal ?? false);
  const exit = runCli(argv, {
    stdin: options.stdin ?? Readable.from([]),
    stdout,
    stderr,
    env: { NO_COLOR: '1', ...options.env },
    directory: options.directory ?? '/',
    signal: options.signal ?? new AbortController().signal,
  });
  const text = ({ bytes }: Memory) => bytes.toString('utf8');
  return { stdout: () => text(stdout), stderr: () => text(stderr), bytes: () => stdout.bytes, exit };
}

/** Runs a command line to its end. */
export async function run(argv: readonly string[], options?: RunOptions) {
  const running = start(argv, options);
  const code = await running.exit;
  return { code, stdout: running.stdout(), stderr: running.stderr() };
}

/** A server made of the real observability routes behind a gate, with whatever wrong that a test puts in. */
export async function testServer(
  options: {
    readonly port?: number;
    readonly bootId?: string;
    /** Adds routes of a capability. */
    readonly mount?: (app: Hono<ReactorEnv>, logger: Logger) => void;
  } = {},
) {
  const logging = createLogging({
    filter: 'info',
    destination: new Writable({ write: (_chunk, _encoding, done) => done() }),
    clock: systemClock,
    ...(options.bootId === undefined ? {} : { bootId: options.bootId }),
  });
  const context = { logger: logging.logger('reactor_server'), clock: systemClock };
  const wrong: { health: HealthResult; probes: readonly DoctorProbe[] } = { health: { status: 'ok' }, probes: [] };
  const requests: Request[] = [];
  const health = createHealth({
    ...context,
    capabilities: () => [
      { name: 'auth', health: { timeoutMs: 500, check: async () => ({ status: 'ok' }) } },
      { name: 'storage', health: { timeoutMs: 500, check: async () => wrong.health } },
    ],
    phase: () => 'ready',
  });

  const app = new Hono<ReactorEnv>();
  app.onError(errorHandler);
  app.notFound(notFound(app));
  app.use(async (c, next) => {
    requests.push(c.req.raw);
    await next();
  });
  app.use('/_admin/*', async (c, next) => {
    if (c.req.header('Authorization') === `Bearer ${TOKEN}`) return next();
    return c.json({ error: { code: 'unauthorized', message: 'This route needs the admin token.', status: 401 } }, 401);
  });
  app.route('/', health.routes);
  app.route('/', logRoutes(logging, { capabilities: ['auth', 'data', 'storage', 'functions', 'jobs', 'sites'] }));
  app.route(
    '/',
    doctorRoutes((signal) => runDoctor([{ name: 'storage', probes: wrong.probes }], { ...context, signal })),
  );
  app.get('/_admin/version', (c) => c.json({ reactor: '0.1.0', capabilities: { auth: '0.1.0', storage: '0.1.0' } }));
  options.mount?.(app, context.logger);

  const fetch = instrumentHttp({ ...context, capabilities: [] }).observe(app, { mounts: [] });
  const server = serve({ fetch, port: options.port ?? 0, hostname: '127.0.0.1' });
  if (!server.listening) await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const stop = async () => {
    await logging.close();
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  };
  onTestFinished(stop);
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    logging,
    logger: context.logger,
    wrong,
    requests,
    stop,
    env: { REACTOR_URL: url, REACTOR_ADMIN_TOKEN: TOKEN },
  };
}

/** A server of whatever a test answers. */
export async function answering(fetch: (request: Request) => Response | Promise<Response>): Promise<string> {
  const server = serve({ fetch, port: 0, hostname: '127.0.0.1' });
  onTestFinished(() => {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
  if (!server.listening) await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An address where nobody listens. */
export async function nobody(): Promise<string> {
  const server = serve({ fetch: () => new Response(), port: 0, hostname: '127.0.0.1' });
  if (!server.listening) await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

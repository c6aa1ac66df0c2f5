import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { readArchive } from '@reactor/archive';
import { type Logger, type ReactorEnv, ReactorError } from '@reactor/core';
import type { Context, Hono } from 'hono';
import { testServer } from './fixtures.js';

interface Deployed {
  readonly id: string;
  readonly version: number;
  readonly status: 'ready' | 'failed';
  readonly status_detail: string | null;
  readonly bundle_sha256: string;
  readonly bundle_size: number;
  readonly settings: object;
  readonly created_at: string;
  /** Text by path. */
  readonly files: ReadonlyMap<string, string>;
}

interface Known {
  readonly id: string;
  readonly name: string;
  readonly created_at: string;
  current: Deployed | undefined;
  readonly deployments: Deployed[];
  readonly variables: Map<string, { readonly value: string; readonly is_secret: boolean }>;
}

const ADMIN = '/fn/v1/_admin/functions';
const AT = '2026-01-31T12:00:00.000Z';
const SETTINGS = {
  entry: 'index.ts',
  access: 'users',
  limits: { timeout_ms: 30_000, memory_mb: 256, max_body_in_mb: 5, max_body_out_mb: 6 },
  concurrency: { max_instances: 8, max_concurrency: 50 },
  forward_authorization: false,
  service: false,
};
const LIMITS = {
  maxArchiveBytes: 50_000_000,
  maxUnpackedBytes: 200_000_000,
  maxRatio: 2000,
  maxEntries: 10_000,
  maxPathBytes: 1024,
  maxPathDepth: 32,
};

/** A server with functions in its memory, which answer with what they were asked, or as their path says. */
export async function functionsServer() {
  const known = new Map<string, Known>();
  const server = await testServer({ mount: (app, logger) => mount(app, known, logger) });
  return { ...server, known };
}

function mount(app: Hono<ReactorEnv>, known: Map<string, Known>, logger: Logger): void {
  const functionOf = (c: Context) => {
    const found = known.get(c.req.param('name') ?? '');
    if (found === undefined) throw new ReactorError('function_not_found', 404, 'There is no such function.');
    return found;
  };
  const deploymentOf = (found: Known, id: unknown) => {
    const deployment = found.deployments.find((one) => one.id === id);
    if (deployment === undefined) throw new ReactorError('deployment_not_found', 404, 'There is no such deployment.');
    return deployment;
  };
  const swap = (c: Context, found: Known, next: Deployed) => {
    const previous = found.current?.id ?? null;
    found.current = next;
    return c.json({ previous_deployment_id: previous, current_deployment_id: next.id });
  };

  app.use(`${ADMIN}/*`, async (c, next) => {
    if (c.req.header('Authorization')?.startsWith('Bearer operator-token') === true) return next();
    throw new ReactorError('unauthorized', 401, 'This route needs the admin token.');
  });
  app.post(ADMIN, async (c) => {
    const { name } = await c.req.json();
    if (name === 'health') throw new ReactorError('invalid_function_name', 400, 'This name is reserved.');
    const made: Known = {
      id: randomUUID(),
      name,
      created_at: AT,
      current: undefined,
      deployments: [],
      variables: new Map(),
    };
    known.set(name, made);
    return c.json(asFunction(made), 201);
  });
  app.get(ADMIN, (c) => c.json({ functions: Array.from(known.values(), asFunction) }));
  app.get(`${ADMIN}/:name`, (c) => c.json(asFunction(functionOf(c))));
  app.delete(`${ADMIN}/:name`, (c) => {
    known.delete(functionOf(c).name);
    return c.body(null, 204);
  });
  app.post(`${ADMIN}/:name/deployments`, async (c) => {
    const found = functionOf(c);
    if (c.req.header('Content-Type') !== 'application/gzip')
      throw new ReactorError('invalid_request', 400, 'Not gzip.');
    const archive = Buffer.from(await c.req.arrayBuffer());
    const sha256 = createHash('sha256').update(archive).digest('hex');
    const same = found.deployments.find((one) => one.bundle_sha256 === sha256 && one.status === 'ready');
    if (same !== undefined) return c.json(asDeployment(found, same));
    const files = new Map<string, string>();
    for await (const { path, body } of readArchive(Readable.from([archive]), LIMITS, AbortSignal.timeout(30_000))) {
      files.set(path, (await buffer(body)).toString('utf8'));
    }
    const problem = problemIn(files);
    const deployment: Deployed = {
      id: randomUUID(),
      version: found.deployments.length + 1,
      status: problem === undefined ? 'ready' : 'failed',
      status_detail: problem?.message ?? null,
      bundle_sha256: sha256,
      bundle_size: archive.length,
      settings: SETTINGS,
      created_at: AT,
      files,
    };
    found.deployments.push(deployment);
    if (problem !== undefined) {
      throw new ReactorError('bundle_invalid', 400, 'The bundle cannot be built.', { details: [problem] });
    }
    return c.json(asDeployment(found, deployment), 201);
  });
  app.get(`${ADMIN}/:name/deployments`, (c) => {
    const found = functionOf(c);
    const newest = found.deployments.toReversed().slice(0, Number(c.req.query('limit') ?? 20));
    return c.json({ deployments: newest.map((one) => asDeployment(found, one)) });
  });
  app.post(`${ADMIN}/:name/promote`, async (c) => {
    const found = functionOf(c);
    const { deployment_id: id } = await c.req.json();
    const newest = found.deployments.toReversed().find(({ status }) => status === 'ready');
    return swap(c, found, deploymentOf(found, id ?? newest?.id));
  });
  app.post(`${ADMIN}/:name/rollback`, async (c) => {
    const found = functionOf(c);
    const { deployment_id: id } = await c.req.json();
    if (id !== undefined) return swap(c, found, deploymentOf(found, id));
    const version = found.current?.version ?? 0;
    const earlier = found.deployments.toReversed().find((one) => one.status === 'ready' && one.version < version);
    if (earlier === undefined) throw new ReactorError('no_earlier_deployment', 409, 'There is no earlier deployment.');
    return swap(c, found, earlier);
  });
  app.get(`${ADMIN}/:name/env`, (c) => {
    const env = Array.from(functionOf(c).variables, ([key, { value, is_secret }]) => ({
      key,
      ...(is_secret ? {} : { value }),
      is_secret,
      last_updated_at: AT,
    }));
    return c.json({ env });
  });
  app.put(`${ADMIN}/:name/env/:key`, async (c) => {
    const key = c.req.param('key');
    if (key.startsWith('REACTOR_')) throw new ReactorError('env_key_invalid', 400, 'Reactor sets this one.');
    functionOf(c).variables.set(key, await c.req.json());
    return c.body(null, 204);
  });
  app.delete(`${ADMIN}/:name/env/:key`, (c) => {
    if (functionOf(c).variables.delete(c.req.param('key'))) return c.body(null, 204);
    throw new ReactorError('env_key_not_found', 404, 'There is no such variable.');
  });
  app.all('/fn/v1/:name/*', async (c) => {
    const { name, current } = functionOf(c);
    if (current === undefined) throw new ReactorError('deployment_not_ready', 503, 'Nothing is promoted.');
    const { version } = current;
    logger.target('reactor_functions').info('output', { function: name, version, text: `called\nat ${c.req.path}` });
    c.header('X-Reactor-Function', name);
    return answer(c);
  });
}

async function answer(c: Context): Promise<Response> {
  const url = new URL(c.req.url);
  const path = `/${url.pathname.split('/').slice(4).join('/')}`;
  switch (path) {
    case '/teapot':
      return c.text('short and stout', 418);
    case '/crash':
      throw new ReactorError('function_crashed', 500, 'The handler threw.');
    case '/bytes':
      return c.body(Uint8Array.from([0xff, 0x00, 0xc3, 0x28]).buffer);
    case '/stream':
      return c.body(
        new ReadableStream({
          async start(stream) {
            for (const word of ['one ', 'two']) {
              stream.enqueue(new TextEncoder().encode(word));
              await delay(20);
            }
            stream.close();
          },
        }),
      );
    case '/endless':
      return c.body(new ReadableStream({ start: (stream) => stream.enqueue(new TextEncoder().encode('first')) }));
    default:
      return c.json({
        method: c.req.method,
        path: path + url.search,
        headers: c.req.header(),
        body: await c.req.text(),
      });
  }
}

/** A bundle with the word `broken` in a file does not build. */
function problemIn(files: ReadonlyMap<string, string>) {
  for (const [file, text] of files) {
    const [line = ''] = text.split('\n');
    if (line.includes('broken'))
      return { file, line: 1, column: line.indexOf('broken') + 1, message: 'Unexpected broken' };
  }
  if (!files.has('index.ts')) return { message: 'There is no index.ts or index.js.' };
  return undefined;
}

function asFunction({ id, name, created_at, current }: Known) {
  return {
    id,
    name,
    description: null,
    runtime: 'bun',
    current_deployment_id: current?.id ?? null,
    current_version: current?.version ?? null,
    created_at,
    updated_at: created_at,
  };
}

function asDeployment({ id: functionId }: Known, { files: _, ...deployment }: Deployed) {
  return { ...deployment, function_id: functionId };
}

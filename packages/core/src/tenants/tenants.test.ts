import { EventEmitter } from 'node:events';
import { Hono } from 'hono';
import { expect, test, vi } from 'vitest';
import type { HealthResult, ProbeResult } from '../capability.js';
import { coreErrors } from '../errors.js';
import type { ReactorEnv } from '../http/env.js';
import { healthOfEach, probesOfEach } from './checks.js';
import { OpenTenants } from './open-tenants.js';
import { createServices, type ServiceLife } from './services.js';

interface Ports {
  readonly name: string;
}

interface Service extends Ports {
  started: boolean;
  stopped: boolean;
}

/** What has happened, in order. */
function tenancy({ failStartOf, holdOpen }: { failStartOf?: string; holdOpen?: Promise<void> } = {}) {
  const events: string[] = [];
  const time = { now: 0 };
  const tenants = new OpenTenants<Ports>(
    {
      async open(id) {
        if (id === 'unknown') throw coreErrors.create.not_found('There is no such tenant.');
        events.push(`open ${id}`);
        await holdOpen;
        return { name: id };
      },
      async close({ name }) {
        events.push(`close ${name}`);
      },
    },
    { now: () => 0, monotonic: () => time.now },
  );
  const life: ServiceLife<Ports, Service> = {
    make: ({ name }) => ({ name, started: false, stopped: false }),
    async start(service) {
      if (service.name === failStartOf) throw new Error('no start');
      service.started = true;
    },
    async stop(service) {
      service.stopped = true;
      events.push(`stop ${service.name}`);
    },
  };
  const services = createServices({ tenants }, life);
  const app = new Hono<ReactorEnv>();
  app.use(tenants.middleware((c) => c.req.header('X-Tenant') ?? 'none'));
  app.get('/', (c) => {
    const { name, started } = services.of(c);
    return c.text(`${name} ${started}`);
  });
  const request = (id: string, path = '/') => app.request(path, { headers: { 'X-Tenant': id } });
  const get = async (id: string, path = '/') => (await request(id, path)).text();
  const present = () => Array.from(services.each(), ({ name }) => name);
  return { app, tenants, services, events, time, request, get, present };
}

test('plain ports make the one service, which start and stop reach', async () => {
  const stopped: AbortSignal[] = [];
  const services = createServices(
    { name: 'only' },
    {
      make: ({ name }) => ({ name, started: false }),
      async start(service) {
        service.started = true;
      },
      async stop(_, deadline) {
        stopped.push(deadline);
      },
    },
  );
  expect(services.of()).toEqual({ name: 'only', started: false });
  await services.start();
  expect(Array.from(services.each())).toEqual([{ name: 'only', started: true }]);
  expect(await services.map(async ({ name }) => name)).toEqual(['only']);
  const deadline = AbortSignal.timeout(1_000);
  await services.stop(deadline);
  expect(stopped).toEqual([deadline]);
});

test('a tenant opens with its first request, once for all who wait, and its services are started by then', async () => {
  const { get, events, present } = tenancy();
  expect(present()).toEqual([]);
  const answers = await Promise.all(['a', 'a', 'b', 'a'].map((id) => get(id)));
  expect(answers).toEqual(['a true', 'a true', 'b true', 'a true']);
  expect(events.toSorted()).toEqual(['open a', 'open b']);
  expect(present().toSorted()).toEqual(['a', 'b']);
});

test('a tenant that cannot be served fails its requests alone, leaves nothing, and is tried again', async () => {
  const { request, get, events, present } = tenancy({ failStartOf: 'a' });
  expect((await request('unknown')).status).toBe(404);
  expect((await request('a')).status).toBe(500);
  expect((await request('a')).status).toBe(500);
  expect(await get('b')).toBe('b true');
  expect(events).toEqual(['open a', 'stop a', 'close a', 'open a', 'stop a', 'close a', 'open b']);
  expect(present()).toEqual(['b']);
});

test('a tenant in use is not closed: not by a request, a stream or a loop', async () => {
  const { app, request: ask, get, tenants, services, events } = tenancy();
  const inRequest = gate();
  app.get('/slow', async (c) => {
    await inRequest.passed;
    return c.text(services.of(c).name);
  });
  const inStream = gate();
  app.get('/stream', () => {
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await inStream.passed;
        controller.enqueue(new Uint8Array(1));
        controller.close();
      },
    });
    return new Response(body);
  });
  await get('a');
  const request = get('a', '/slow');
  const stream = await ask('a', '/stream');
  const inLoop = gate();
  const loop = (async () => {
    for (const _ of services.each()) await inLoop.passed;
  })();
  const inMap = gate();
  const map = services.map(() => inMap.passed);

  await tenants.dropIdle(0);
  expect(events).toEqual(['open a']);
  const dropped = tenants.drop('a');
  for (const [open, done] of [
    [inRequest.open, request],
    [inLoop.open, loop],
    [inMap.open, map],
  ] as const) {
    open();
    await done;
    expect(events).toEqual(['open a']);
  }
  inStream.open();
  await stream.arrayBuffer();
  await dropped;
  expect(events).toEqual(['open a', 'stop a', 'close a']);
});

test('a client that leaves a stream gives the tenant back', async () => {
  const { app, request, tenants, events } = tenancy();
  app.get('/stream', () => new Response(new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) })));
  const { body } = await request('a', '/stream');
  await body?.cancel();
  await tenants.drop('a');
  expect(events).toEqual(['open a', 'stop a', 'close a']);
});

test('a request after the drop opens the tenant anew, once the old one is closed', async () => {
  const { get, tenants, events } = tenancy();
  await get('a');
  const dropped = tenants.drop('a');
  expect(await get('a')).toBe('a true');
  await dropped;
  expect(events).toEqual(['open a', 'stop a', 'close a', 'open a']);
});

test('what has idled long enough is dropped, and what was used meanwhile is not', async () => {
  const { get, tenants, present, time } = tenancy();
  await get('a');
  time.now = 30;
  await get('b');
  await tenants.dropIdle(25);
  expect(present()).toEqual(['b']);
});

test('closing all waits for what opens, and no longer than the deadline for what is in use', async () => {
  const opening = gate();
  const { app, get, tenants, events } = tenancy({ holdOpen: opening.passed });
  app.get('/hangs', () => new Promise<Response>(() => {}));
  void get('a', '/hangs');
  await vi.waitFor(() => expect(events).toEqual(['open a']));
  const closed = tenants.close(AbortSignal.timeout(50));
  opening.open();
  await closed;
  expect(events).toEqual(['open a', 'stop a', 'close a']);
});

test('a client that leaves while its tenant opens keeps nothing', async () => {
  const opening = gate();
  const { app, tenants, events } = tenancy({ holdOpen: opening.passed });
  const outgoing = Object.assign(new EventEmitter(), { destroyed: false, writableFinished: false });
  const request = app.request('/', { headers: { 'X-Tenant': 'a' } }, { outgoing });
  await vi.waitFor(() => expect(events).toEqual(['open a']));
  outgoing.destroyed = true;
  outgoing.emit('close');
  opening.open();
  await request;
  await tenants.drop('a');
  expect(events).toEqual(['open a', 'stop a', 'close a']);
});

test('a client that had left before gives the tenant back all the same', async () => {
  const { app, tenants, events } = tenancy();
  const outgoing = Object.assign(new EventEmitter(), { destroyed: true, writableFinished: false });
  await app.request('/', { headers: { 'X-Tenant': 'a' } }, { outgoing });
  await tenants.drop('a');
  expect(events).toEqual(['open a', 'stop a', 'close a']);
});

test('HEAD gives the tenant back, though nobody reads its body', async () => {
  const { app, tenants, events } = tenancy();
  await app.request('/', { method: 'HEAD', headers: { 'X-Tenant': 'a' } });
  await tenants.drop('a');
  expect(events).toEqual(['open a', 'stop a', 'close a']);
});

test('a drop waits for an opening that is under way', async () => {
  const opening = gate();
  const { get, tenants, events } = tenancy({ holdOpen: opening.passed });
  const request = get('a');
  await vi.waitFor(() => expect(events).toEqual(['open a']));
  const dropped = tenants.drop('a');
  opening.open();
  await request;
  await dropped;
  expect(events).toEqual(['open a', 'stop a', 'close a']);
});

test('a closing that fails is told to who dropped, keeps nobody from being told, and fails no request', async () => {
  const { get, services, tenants, events } = tenancy();
  const told: string[] = [];
  tenants.follow({ opened: async () => {}, closed: async () => Promise.reject(new Error('stuck')) });
  tenants.follow({
    opened: async () => {},
    async closed({ id }) {
      told.push(id);
    },
  });
  await get('a');
  const dropped = tenants.drop('a');
  const next = get('a');
  await expect(dropped).rejects.toThrow('tenant a was not closed in order');
  expect(await next).toBe('a true');
  expect(told).toEqual(['a']);
  expect(events).toEqual(['open a', 'stop a', 'close a', 'open a']);
  expect(Array.from(services.each(), ({ name }) => name)).toEqual(['a']);
  await get('b');
  await expect(tenants.close(AbortSignal.timeout(1_000))).rejects.toThrow('tenants were not closed in order');
  expect(told).toEqual(['a', 'a', 'b']);
});

test('nothing opens once all are closed', async () => {
  const { request, tenants } = tenancy();
  await tenants.close(AbortSignal.timeout(1_000));
  expect((await request('a')).status).toBe(503);
});

test('a request does not wait for hours for a tenant whose stream goes on', { timeout: 20_000 }, async () => {
  const { app, request, tenants } = tenancy();
  app.get('/stream', () => new Response(new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) })));
  const { body } = await request('a', '/stream');
  const dropped = tenants.drop('a');
  const refused = await request('a');
  expect([refused.status, refused.headers.get('Retry-After')]).toEqual([503, '1']);
  await body?.cancel();
  await dropped;
});

test('outside of a request nobody guesses whose services are meant', async () => {
  const { services, tenants } = tenancy();
  expect(() => services.of()).toThrow('with several tenants');
  const app = new Hono<ReactorEnv>().get('/', (c) => c.text(services.of(c).name));
  app.onError((error, c) => c.text(error.message));
  expect(await (await app.request('/')).text()).toBe('no middleware has determined whose request this is');
  const { get } = tenancy();
  await get('a');
  await tenants.close(AbortSignal.timeout(1_000));
});

test('health is that of all, and a probe tells the worst', async () => {
  const { get, services } = tenancy();
  await get('a');
  await get('b');
  const answers: Record<string, HealthResult> = { a: { status: 'ok' }, b: { status: 'error', reason: 'b is ill' } };
  const health = healthOfEach(services, ({ name }) => ({
    timeoutMs: 500,
    check: async () => answers[name] as HealthResult,
  }));
  expect(await health.check(AbortSignal.timeout(1_000))).toEqual({ status: 'error', reason: 'b is ill' });
  answers.b = { status: 'ok' };
  expect(await health.check(AbortSignal.timeout(1_000))).toEqual({ status: 'ok' });

  const results: Record<string, ProbeResult> = {
    a: { status: 'warn', message: 'low', remedy: 'fill' },
    b: { status: 'fail', message: 'empty', remedy: 'fill' },
  };
  const probes = probesOfEach(services, ({ name }) => [
    { name: 'level', timeoutMs: 100, run: async () => results[name] as ProbeResult },
  ]);
  expect(probes.map(({ name }) => name)).toEqual(['level']);
  expect(await probes[0]?.run(AbortSignal.timeout(100))).toEqual(results.b);
  results.a = { status: 'fail', message: 'leaks', remedy: 'repair' };
  expect(await probes[0]?.run(AbortSignal.timeout(100))).toMatchObject({ message: 'leaks (and 1 more alike)' });

  const [first] = probesOfEach(services, ({ name }) => [
    {
      name: 'answer',
      timeoutMs: 100,
      run: async () => (name === 'a' ? Promise.reject(new Error('a is mute')) : (results.b as ProbeResult)),
    },
  ]);
  expect(await first?.run(AbortSignal.timeout(100))).toEqual(results.b);
  results.b = { status: 'ok' };
  await expect(first?.run(AbortSignal.timeout(100))).rejects.toThrow('a is mute');
});

function gate() {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

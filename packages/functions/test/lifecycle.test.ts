import { DeadlineExceeded } from '@reactor/core';
import { describe, expect, it } from 'vitest';
import { bundleOf, createTestFunctions, handler, jsonBody, refusal, type TestFunctions } from './support/lifecycle.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;
const NO_ID = '0190a000-0000-7000-8000-00000000000a';

const DEFAULT_SETTINGS = {
  entry: 'index.ts',
  access: 'users',
  limits: { timeout_ms: 30_000, memory_mb: 256, max_body_in_mb: 5, max_body_out_mb: 6 },
  concurrency: { max_instances: 8, max_concurrency: 50 },
  forward_authorization: false,
  service: false,
};

/** Deploys a handler that answers with `text`. @returns the deployment */
async function version(functions: TestFunctions, name: string, text: string, query?: string) {
  const answer = await functions.deploy(name, await bundleOf(handler(text)), query);
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()) as { id: string; version: number; status: string };
}

/** Ready deployments that only the database knows of: to build each would take a while. */
async function seed({ database }: TestFunctions, name: string, from: number, to: number): Promise<void> {
  await database.query(
    `WITH keys AS (INSERT INTO reactor_functions.blobs (key) SELECT 'seeded/' || i FROM generate_series($2::int, $3::int) i RETURNING key)
     INSERT INTO reactor_functions.deployments (id, function_id, version, status, sha256, size_bytes, blob_key, settings, ready_at)
     SELECT gen_random_uuid(), f.id, split_part(key, '/', 2)::int, 'ready', 'seeded-' || key, 1, key, '{"entry":"index.ts"}', now()
     FROM keys, reactor_functions.functions f WHERE f.name = $1`,
    [name, from, to],
  );
}

describe('the operator', () => {
  it('creates, lists, gets and deletes functions', async () => {
    const functions = await createTestFunctions();
    const admin = functions.as('admin');
    const created = await admin('POST', '/functions', jsonBody({ name: 'hello', description: 'Says hello.' }));
    expect(created.status).toBe(201);
    const fn = await created.json();
    expect(fn).toEqual({
      id: expect.stringMatching(UUID),
      name: 'hello',
      description: 'Says hello.',
      runtime: 'bun',
      current_deployment_id: null,
      current_version: null,
      created_at: expect.stringMatching(TIME),
      updated_at: fn.created_at,
    });
    expect((await admin('POST', '/functions', jsonBody({ name: 'a-second', runtime: 'bun' }))).status).toBe(201);
    const { functions: all } = await (await admin('GET', '/functions')).json();
    expect(all.map(({ name }: { name: string }) => name)).toEqual(['a-second', 'hello']);
    expect(await (await admin('GET', '/functions/hello')).json()).toEqual(fn);
    expect((await admin('DELETE', '/functions/hello')).status).toBe(204);
    expect(await refusal(await admin('GET', '/functions/hello'))).toBe('404 function_not_found');
    expect(await refusal(await admin('DELETE', '/functions/hello'))).toBe('404 function_not_found');
  });

  it('deploys, promotes and rolls back', async () => {
    const functions = await createTestFunctions();
    const admin = functions.as('admin');
    await functions.create('hello');
    const bundle = await bundleOf(handler('one'));
    const answer = await functions.deploy('hello', bundle);
    expect(answer.status).toBe(201);
    const one = await answer.json();
    expect(one).toEqual({
      id: expect.stringMatching(UUID),
      function_id: expect.stringMatching(UUID),
      version: 1,
      status: 'ready',
      status_detail: null,
      bundle_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      bundle_size: bundle.length,
      settings: DEFAULT_SETTINGS,
      created_at: expect.stringMatching(TIME),
    });
    expect(await functions.lifecycle.functions.live('hello')).toMatchObject({ deployment: undefined });

    const promote = (path: string, body?: unknown) =>
      admin('POST', `/functions/hello/${path}`, body === undefined ? {} : jsonBody(body));
    expect(await (await promote('promote')).json()).toEqual({
      previous_deployment_id: null,
      current_deployment_id: one.id,
    });
    expect(await (await admin('GET', '/functions/hello')).json()).toMatchObject({
      current_deployment_id: one.id,
      current_version: 1,
    });
    const two = await version(functions, 'hello', 'two', '?promote=true');
    expect(await functions.lifecycle.functions.live('hello')).toMatchObject({
      name: 'hello',
      environmentRevision: 0,
      deployment: { id: two.id, version: 2, status: 'ready', settings: { entry: 'index.ts' } },
    });
    const three = await version(functions, 'hello', 'three');
    expect(await (await promote('promote', { deployment_id: one.id })).json()).toEqual({
      previous_deployment_id: two.id,
      current_deployment_id: one.id,
    });
    expect(await refusal(await promote('rollback'))).toBe('409 no_earlier_deployment');
    expect(await (await promote('promote', {})).json()).toMatchObject({ current_deployment_id: three.id });
    expect(await (await promote('rollback')).json()).toEqual({
      previous_deployment_id: three.id,
      current_deployment_id: two.id,
    });
    expect(await (await promote('rollback', { to_deployment_id: one.id })).json()).toMatchObject({
      current_deployment_id: one.id,
    });
    expect(await (await promote('rollback', { version: 3 })).json()).toMatchObject({ current_deployment_id: three.id });
    expect(await (await promote('rollback', { deployment_id: two.id.toUpperCase() })).json()).toMatchObject({
      current_deployment_id: two.id,
    });

    const { deployments } = await (await admin('GET', '/functions/hello/deployments')).json();
    expect(deployments.map((d: { version: number }) => d.version)).toEqual([3, 2, 1]);
    const page = await (await admin('GET', '/functions/hello/deployments?limit=1')).json();
    expect(page.deployments).toEqual([deployments[0]]);
    expect(await (await admin('GET', `/functions/hello/deployments/${one.id}`)).json()).toEqual(one);
    expect(functions.results).toEqual(['ok', 'ok', 'ok']);
  });

  it('deploys what is ready already as nothing new', async () => {
    const functions = await createTestFunctions();
    await functions.create('hello');
    const bundle = await bundleOf(handler('one'));
    const first = await (await functions.deploy('hello', bundle)).json();
    const again = await functions.deploy('hello', bundle);
    expect(again.status).toBe(200);
    expect(await again.json()).toEqual(first);
    expect(await functions.keys()).toHaveLength(1);
    const promoted = await functions.deploy('hello', bundle, '?promote=true');
    expect(promoted.status).toBe(200);
    expect(await functions.lifecycle.functions.get('hello')).toMatchObject({ currentDeploymentId: first.id });
    await functions.create('other');
    const elsewhere = await functions.deploy('other', bundle);
    expect(elsewhere.status).toBe(201);
    expect(await elsewhere.json()).toMatchObject({ version: 1 });
  });

  it('carries the settings of each version through promote and rollback', async () => {
    const functions = await createTestFunctions({ defaultTimeoutMs: 1234, maxInstancesPerFunction: 2 });
    await functions.create('hello');
    const open = { ...handler('one'), 'function.json': '{"access":"public","limits":{"memory_mb":0}}' };
    const deployed = await functions.deploy('hello', await bundleOf(open), '?promote=true');
    expect(await deployed.json()).toMatchObject({
      settings: {
        ...DEFAULT_SETTINGS,
        access: 'public',
        limits: { timeout_ms: 1234 },
        concurrency: { max_instances: 2 },
      },
    });
    await version(functions, 'hello', 'two', '?promote=true');
    const access = async () => (await functions.lifecycle.functions.live('hello'))?.deployment?.settings.access;
    expect(await access()).toBe('users');
    await functions.as('admin')('POST', '/functions/hello/rollback');
    expect(await access()).toBe('public');
  });
});

describe('is refused', () => {
  it.each([
    'ab',
    'Hello',
    'health',
    'metrics',
    '_admin',
    'a/b',
    '..',
    'a\0b',
    '',
    `a${'b'.repeat(63)}`,
    'openapi.json',
  ])('a function of the name %j', async (name) => {
    const { as } = await createTestFunctions();
    expect(await refusal(await as('admin')('POST', '/functions', jsonBody({ name })))).toBe(
      '400 invalid_function_name',
    );
  });

  it('a function that is there, that runs on something else, or is described badly', async () => {
    const functions = await createTestFunctions();
    const post = async (body: unknown) => refusal(await functions.as('admin')('POST', '/functions', jsonBody(body)));
    await functions.create('hello');
    expect(await post({ name: 'hello' })).toBe('409 function_exists');
    expect(await post({ name: 'other', runtime: 'wasm' })).toBe('400 unsupported_runtime');
    expect(await post({ name: 'other', colour: 1 })).toBe('400 invalid_request');
    expect(await post({ name: 'other', description: 'a\0b' })).toBe('400 invalid_request');
    expect(await post({ name: 'other', description: 'x'.repeat(1025) })).toBe('400 invalid_request');
    expect(await post([])).toBe('400 invalid_request');
  });

  it('a name that cannot be, wherever it stands', async () => {
    const { as } = await createTestFunctions();
    for (const name of ['none', '%00', 'a%2Fb', 'HELLO', '%2e%2e%2f', 'x'.repeat(5000), 'hello%0a']) {
      for (const [method, path] of [
        ['GET', ''],
        ['DELETE', ''],
        ['GET', '/deployments'],
        ['GET', `/deployments/${NO_ID}`],
        ['POST', '/deployments'],
        ['POST', '/promote'],
        ['POST', '/rollback'],
        ['GET', '/env'],
        ['GET', '/env/KEY'],
        ['DELETE', '/env/KEY'],
      ]) {
        expect(await refusal(await as('admin')(method as string, `/functions/${name}${path}`)), path).toBe(
          '404 function_not_found',
        );
      }
    }
  });

  it('everybody but the operator, whatever they send', async () => {
    const functions = await createTestFunctions();
    await functions.create('hello');
    const bundle = await bundleOf(handler('one'));
    const raw = { body: bundle as Uint8Array<ArrayBuffer>, headers: { 'Content-Type': 'application/gzip' } };
    const calls: [string, string, RequestInit?][] = [
      ['POST', '/functions', jsonBody({ name: 'mine' })],
      ['POST', '/functions', jsonBody({ nonsense: 1 })],
      ['GET', '/functions'],
      ['GET', '/functions/hello'],
      ['GET', '/functions/none'],
      ['DELETE', '/functions/hello'],
      ['POST', '/functions/hello/deployments', raw],
      ['POST', '/functions/hello/deployments?promote=nonsense'],
      ['GET', '/functions/hello/deployments?limit=0'],
      ['GET', `/functions/hello/deployments/${NO_ID}`],
      ['POST', '/functions/hello/promote', jsonBody({})],
      ['POST', '/functions/hello/rollback', jsonBody({ nonsense: 1 })],
      ['PUT', '/functions/hello/env/KEY', jsonBody({ value: 'x' })],
      ['GET', '/functions/hello/env'],
      ['GET', '/functions/hello/env/KEY'],
      ['DELETE', '/functions/hello/env/KEY'],
    ];
    for (const [method, path, init] of calls) {
      expect(await refusal(await functions.as('alice')(method, path, init)), path).toBe('403 forbidden');
      expect(await refusal(await functions.as(undefined)(method, path, init)), path).toBe('401 unauthorized');
    }
    expect(await functions.keys()).toEqual([]);
  });

  it('a deployment that is not there, not ready, or of another function', async () => {
    const functions = await createTestFunctions();
    const admin = functions.as('admin');
    await functions.create('hello');
    await functions.create('other');
    const foreign = await version(functions, 'other', 'one');
    const bad = await functions.deploy('hello', await bundleOf({ 'index.ts': 'export const a = ;' }));
    expect(await refusal(bad)).toBe('400 bundle_invalid');
    const { deployments } = await (await admin('GET', '/functions/hello/deployments')).json();
    const post = async (path: string, body: unknown) =>
      refusal(await admin('POST', `/functions/hello/${path}`, jsonBody(body)));
    expect(await post('promote', {})).toBe('404 deployment_not_found');
    for (const path of ['promote', 'rollback']) {
      expect(await post(path, { deployment_id: foreign.id })).toBe('404 deployment_not_found');
      expect(await post(path, { deployment_id: NO_ID })).toBe('404 deployment_not_found');
      expect(await post(path, { deployment_id: "' OR true --" })).toBe('404 deployment_not_found');
      expect(await post(path, { deployment_id: deployments[0].id })).toBe('400 invalid_request');
      expect(await post(path, { id: NO_ID })).toBe('400 invalid_request');
    }
    expect(await post('rollback', {})).toBe('409 no_earlier_deployment');
    expect(await post('rollback', { version: 7 })).toBe('404 deployment_not_found');
    expect(await post('rollback', { version: 1, deployment_id: NO_ID })).toBe('400 invalid_request');
    for (const id of [foreign.id, NO_ID, 'nonsense', '%00']) {
      const answer = await admin('GET', `/functions/hello/deployments/${id}`);
      expect(await refusal(answer)).toBe('404 deployment_not_found');
    }
    for (const limit of ['0', '101', '1.5', 'x', '-1']) {
      const answer = await admin('GET', `/functions/hello/deployments?limit=${limit}`);
      expect(await refusal(answer)).toBe('400 invalid_request');
    }
    const nonsense = await functions.deploy('hello', await bundleOf(handler('one')), '?promote=1');
    expect(await refusal(nonsense)).toBe('400 invalid_request');
  });
});

describe('two at once', () => {
  it('get versions of their own', async () => {
    const functions = await createTestFunctions();
    await functions.create('hello');
    const all = await Promise.all(['a', 'b', 'c'].map((text) => version(functions, 'hello', text, '?promote=true')));
    expect(all.map((one) => one.version).sort()).toEqual([1, 2, 3]);
    const { currentDeploymentId } = await functions.lifecycle.functions.get('hello');
    expect(all.map(({ id }) => id)).toContain(currentDeploymentId);
  });

  it('with one bundle become one version', async () => {
    const functions = await createTestFunctions();
    await functions.create('hello');
    const bundle = await bundleOf(handler('one'));
    const answers = await Promise.all([1, 2, 3].map(() => functions.deploy('hello', bundle)));
    const ids = await Promise.all(answers.map(async (answer) => (await answer.json()).id));
    expect(new Set(ids).size).toBe(1);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
    await functions.sweep();
    expect(await functions.keys()).toHaveLength(1);
    expect(await functions.lifecycle.deployments.list('hello', 10)).toHaveLength(1);
  });

  it('create one function', async () => {
    const { as } = await createTestFunctions();
    const answers = await Promise.all(
      [1, 2, 3].map(() => as('admin')('POST', '/functions', jsonBody({ name: 'hello' }))),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
  });

  it('can be a deployment and the deletion of its function', async () => {
    const functions = await createTestFunctions();
    const bundle = await bundleOf(handler('one'));
    for (let i = 0; i < 5; i++) {
      await functions.create('hello');
      const [deployed, deleted] = await Promise.all([
        functions.deploy('hello', bundle, '?promote=true'),
        functions.as('admin')('DELETE', '/functions/hello'),
      ]);
      expect(deleted.status).toBe(204);
      expect([201, 404]).toContain(deployed.status);
    }
    functions.advance(7_200_000);
    await functions.sweep();
    expect(await functions.keys()).toEqual([]);
    expect(await functions.folders()).toEqual([]);
  });
});

describe('of old versions', () => {
  it('the ten ready ones before the current one are kept, and all newer ones', async () => {
    const functions = await createTestFunctions();
    await functions.create('hello');
    await seed(functions, 'hello', 1, 14);
    const versions = async () =>
      (await functions.lifecycle.deployments.list('hello', 100)).map((one) => one.version).reverse();
    await functions.lifecycle.deployments.promote('hello', { version: 12 });
    expect(await versions()).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
    await functions.lifecycle.deployments.rollBack('hello', undefined);
    expect(await versions()).toHaveLength(13);
    const last = await version(functions, 'hello', 'last', '?promote=true');
    expect(last.version).toBe(15);
    expect(await versions()).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    const { blobs } = await functions.lifecycle.ledger.backlog();
    expect(blobs).toBe(4);
    await functions.sweep();
    expect(await functions.keys()).toHaveLength(1);
  });

  it('failed ones go when there are many', async () => {
    const functions = await createTestFunctions();
    await functions.create('hello');
    await functions.database.query(
      `INSERT INTO reactor_functions.deployments (id, function_id, version, status, sha256, size_bytes, status_detail)
       SELECT gen_random_uuid(), f.id, i, 'failed', 'x', 1, 'x' FROM generate_series(1, 30) i, reactor_functions.functions f`,
    );
    expect((await functions.deploy('hello', await bundleOf({ 'a.txt': 'x' }))).status).toBe(400);
    const left = await functions.lifecycle.deployments.list('hello', 100);
    expect(left.map((one) => one.version)).toEqual(Array.from({ length: 20 }, (_, i) => 31 - i));
  });

  it('what a deleted function had goes with it', async () => {
    const functions = await createTestFunctions();
    await functions.create('hello');
    await version(functions, 'hello', 'one', '?promote=true');
    await version(functions, 'hello', 'two');
    await functions.lifecycle.environment.set('hello', 'KEY', 'x', true);
    await functions.as('admin')('DELETE', '/functions/hello');
    await functions.sweep();
    expect(await functions.keys()).toEqual([]);
    expect(await functions.folders()).toEqual([]);
    const { rows } = await functions.database.query(
      'SELECT id::text FROM reactor_functions.deployments UNION ALL SELECT key FROM reactor_functions.environment',
    );
    expect(rows).toEqual([]);
  });
});

describe('a deployment whose server died', () => {
  const PENDING = `INSERT INTO reactor_functions.deployments (id, function_id, version, status, sha256, size_bytes, blob_key, created_at)
    SELECT gen_random_uuid(), f.id, 1, 'pending', 'x', 1, 'lost', now() - $1::interval FROM reactor_functions.functions f`;

  it.each(['the next start', 'the next sweep'])('fails at %s after two minutes', async (when) => {
    const functions = await createTestFunctions();
    await functions.create('hello');
    await functions.database.query("INSERT INTO reactor_functions.blobs (key) VALUES ('lost')");
    await functions.database.query(PENDING, ['119 seconds']);
    const run = async () => {
      if (when === 'the next start') await functions.another();
      else await functions.sweep();
    };
    const status = async () => (await functions.lifecycle.deployments.list('hello', 1))[0]?.status;
    await run();
    expect(await status()).toBe('pending');
    await functions.database.query(
      "UPDATE reactor_functions.deployments SET created_at = now() - interval '121 seconds'",
    );
    await run();
    const [lost] = await functions.lifecycle.deployments.list('hello', 1);
    expect(lost).toMatchObject({ status: 'failed', statusDetail: expect.stringContaining('deploy it again') });
    expect((await functions.lifecycle.ledger.backlog()).blobs).toBe(when === 'the next start' ? 1 : 0);
  });

  it('cannot become ready after all', async () => {
    const functions = await createTestFunctions();
    await functions.create('hello');
    const admit = functions.lifecycle.folders.admit.bind(functions.lifecycle.folders);
    functions.lifecycle.folders.admit = async (...args) => {
      const settings = await admit(...args);
      await functions.database.query("UPDATE reactor_functions.deployments SET created_at = now() - interval '1 hour'");
      await functions.sweep();
      return settings;
    };
    const answer = await functions.deploy('hello', await bundleOf(handler('one')), '?promote=true');
    expect(await refusal(answer)).toBe('404 deployment_not_found');
    expect(await functions.lifecycle.functions.get('hello')).toMatchObject({ currentDeploymentId: undefined });
    expect(await functions.keys()).toEqual([]);
  });
});

it('refuses a bundle whose blob was condemned before it was committed', async () => {
  const functions = await createTestFunctions();
  await functions.create('hello');
  const write = functions.blobs.put.bind(functions.blobs);
  functions.blobs.put = async (...args) => {
    functions.blobs.put = write;
    const blob = await write(...args);
    // The database froze for hours, say.
    functions.advance(7_200_000);
    await functions.sweep();
    return blob;
  };
  const bundle = await bundleOf(handler('one'));
  expect(await refusal(await functions.deploy('hello', bundle))).toBe('503 storage_unavailable');
  expect(await functions.lifecycle.deployments.list('hello', 10)).toEqual([]);
  expect((await functions.deploy('hello', bundle)).status).toBe(201);
});

it('gives a deployment up that takes too long', async () => {
  const functions = await createTestFunctions();
  await functions.create('hello');
  functions.lifecycle.folders.admit = async () => {
    throw new DeadlineExceeded(90_000);
  };
  const answer = await functions.deploy('hello', await bundleOf(handler('one')));
  expect(await refusal(answer)).toBe('504 response_timeout');
  const [row] = await functions.lifecycle.deployments.list('hello', 1);
  expect(row).toMatchObject({ status: 'failed', statusDetail: expect.stringContaining('the server failed') });
  expect(functions.results).toEqual(['failed']);
});

it('tells other servers of each change, once', async () => {
  const functions = await createTestFunctions();
  const told: string[] = [];
  const subscription = functions.database.events.subscribe('functions.changed', (event) => {
    if (event.kind === 'event') told.push(event.payload);
  });
  // Until listening has begun, events are only gaps.
  const settled = async (count: number) => expect.poll(() => told.length, { timeout: 20_000 }).toBe(count);
  await expect
    .poll(
      async () => {
        await functions.database.events.publish('functions.changed', 'probe');
        return told.length > 0;
      },
      { timeout: 20_000 },
    )
    .toBe(true);
  await functions.database.events.publish('functions.changed', 'begin');
  await expect.poll(() => told.at(-1), { timeout: 20_000 }).toBe('begin');
  told.length = 0;

  await functions.create('hello');
  await settled(1);
  await version(functions, 'hello', 'one', '?promote=true');
  await settled(2);
  await functions.lifecycle.environment.set('hello', 'KEY', 'x', false);
  await settled(3);
  await functions.lifecycle.environment.delete('hello', 'KEY');
  await settled(4);
  await functions.lifecycle.deployments.promote('hello', undefined);
  await settled(5);
  expect((await functions.deploy('hello', await bundleOf({}))).status).toBe(400);
  await settled(6);
  await functions.as('admin')('DELETE', '/functions/hello');
  await settled(7);
  expect(new Set(told)).toEqual(new Set(['hello']));
  await subscription.stop();
});

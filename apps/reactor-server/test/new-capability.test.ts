import { setTimeout as delay } from 'node:timers/promises';
import {
  type Capability,
  createRoutes,
  defineErrors,
  defineSection,
  EXIT,
  metricsContributor,
  withContext,
} from '@reactor/core';
import { createTestDatabase, temporaryDirectory } from '@reactor/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import { bootServer } from '../src/boot/boot.js';
import { CAPABILITIES, type CapabilityEntry } from '../src/capabilities.js';
import { readSettings } from '../src/config/settings.js';

const PAGE = 'https://app.example.com';
const TOKEN = 'the-token-of-the-operator-of-this-test';

const toyErrors = defineErrors({ toy_broken: { status: 500, when: 'Never.', exitCode: EXIT.keysUnusable } });

const toySection = defineSection({
  name: 'toy',
  schema: z.strictObject({
    key: z.string().min(32).meta({ secret: true }),
    loud: z.boolean().default(false),
    box: z.strictObject({ size: z.int().default(1) }).prefault({}),
  }),
  generatedSecrets: ['key'],
  devDefaults: { loud: true },
  toConfig: ({ key, loud, box }) => ({ key, loud, boxSize: box.size }),
});

/** All that a server is told of a capability: one entry. */
function toyEntry(rest: Partial<Capability> = {}): CapabilityEntry {
  return {
    section: toySection,
    errors: toyErrors.codes,
    requires: ['auth'],
    create(values, { tokens }, { contextOf }) {
      const { key, loud, boxSize } = toySection.parse(values);
      const routes = createRoutes();
      routes.use(withContext(contextOf('toy')));
      routes.get('/facts', (c) =>
        c.json({ keyLength: key.length, loud, boxSize, hasTokens: tokens !== undefined }, 200, { 'X-Toy': 'yes' }),
      );
      return {
        name: 'toy',
        version: '1.2.3',
        basePath: '/toy/v1',
        exposedHeaders: ['X-Toy'],
        routes,
        migrations: [{ id: '0001_create_toys', sql: 'CREATE SCHEMA reactor_toy' }],
        metrics: metricsContributor([]),
        health: { timeoutMs: 100, check: async () => ({ status: 'ok' }) },
        probes: [],
        start: async () => {},
        stop: async () => {},
        ...rest,
      };
    },
  };
}

async function boot(toy: CapabilityEntry, section: Record<string, string> = {}) {
  const created = await createTestDatabase();
  const directory = await temporaryDirectory();
  // The banner is for people.
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  onTestFinished(() => stderr.mockRestore());
  const environment = {
    REACTOR_SERVER__BIND: '127.0.0.1:0',
    REACTOR_SERVER__CORS__ALLOW_ORIGINS: PAGE,
    REACTOR_DATABASE__URL: created.connectionString,
    REACTOR_TRACING__FILTER: 'off',
    REACTOR_ADMIN__TOKEN: TOKEN,
    ...section,
  };
  const output = { terminal: false, color: false };
  const settings = await readSettings({ flags: {}, environment, directory, output }, [...CAPABILITIES, toy]);
  const server = await bootServer(settings, { shutdown: () => {}, signal: new AbortController().signal });
  onTestFinished(() => server.stop(AbortSignal.timeout(10_000)));
  const url = /API +(\S+)/.exec(stderr.mock.calls.join('\n'))?.[1] ?? '';
  return { settings, ask: (route: string, headers = {}) => fetch(new URL(route, url), { headers }) };
}

test('one more entry: it is configured, mounted, migrated, measured and checked like the others', async () => {
  const { settings, ask } = await boot(toyEntry(), { REACTOR_TOY__BOX__SIZE: '3' });
  expect(settings.loaded.capabilities).toEqual([...CAPABILITIES.map(({ section }) => section.name), 'toy']);
  expect(settings.loaded.missingSecrets).toEqual(['auth.secret', 'functions.secret', 'toy.key']);

  const answer = await ask('/toy/v1/facts', { Origin: PAGE });
  expect(await answer.json()).toEqual({ keyLength: 43, loud: true, boxSize: 3, hasTokens: true });
  expect(answer.headers.get('Access-Control-Expose-Headers')?.split(',')).toContain('X-Toy');
  expect(answer.headers.get('Access-Control-Allow-Credentials')).toBeNull();

  expect(await (await ask('/health')).json()).toMatchObject({ status: 'ok', capabilities: { toy: 'ok' } });
  expect(await (await ask('/metrics')).text()).toMatch(/reactor_http_requests_total\{capability="toy",[^}]*\} 1\n/);
  const admin = { Authorization: `Bearer ${TOKEN}` };
  expect(await (await ask('/_admin/version', admin)).json()).toMatchObject({ capabilities: { toy: '1.2.3' } });
  expect(await (await ask('/_admin/doctor', admin)).json()).toMatchObject({
    toy: { checks: [{ name: 'migrations', status: 'ok' }] },
  });
});

test('its probes may take longer than a request', async () => {
  const slow = { name: 'slow', timeoutMs: 5_000, run: async () => delay(1_500, { status: 'ok' } as const) };
  const { ask } = await boot(toyEntry({ probes: [slow] }), { REACTOR_SERVER__REQUEST_TIMEOUT_SECS: '1' });
  const answer = await ask('/_admin/doctor', { Authorization: `Bearer ${TOKEN}` });
  expect(await answer.json()).toMatchObject({
    toy: { checks: expect.arrayContaining([expect.objectContaining({ name: 'slow', status: 'ok' })]) },
  });
});

test.each([
  [toyErrors.create.toy_broken('its keys are gone'), EXIT.keysUnusable],
  [new Error('its keys are gone'), EXIT.capabilityFailed],
])('when it cannot start (%s), it says with which code the process ends', async (error, exitCode) => {
  const start = () => Promise.reject(error);
  await expect(boot(toyEntry({ start }))).rejects.toMatchObject({
    message: 'toy could not start: its keys are gone',
    exitCode,
  });
});

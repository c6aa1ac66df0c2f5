import { type Capability, coreErrors, createRoutes, type DoctorProbe, type HealthResult } from '@reactor/core';
import { Registry } from 'prom-client';
import { expect } from 'vitest';
import { parseExposition } from '../exposition/parse.js';
import { expectNothingLeft } from '../open-resources.js';
import { within } from './within.js';

/** Makes capabilities that are ready to start: migrations applied, every port supplied. */
export interface ConformanceSubject {
  create(): Capability | Promise<Capability>;
}

export interface ConformanceCheck {
  readonly title: string;
  run(subject: ConformanceSubject): Promise<void>;
}

/** How long stopping an idle capability may take. */
const STOP_MS = 5_000;
const stop = (capability: Capability) =>
  within(`stop of ${capability.name}`, STOP_MS, (signal) => capability.stop(signal));

/** Runs `work` on a started capability and stops it, whatever happens. */
async function started<T>({ create }: ConformanceSubject, work: (capability: Capability) => Promise<T>): Promise<T> {
  const capability = await create();
  await capability.start();
  try {
    return await work(capability);
  } finally {
    await stop(capability);
  }
}

/** What every capability promises, whatever it does. */
export const CONFORMANCE_CHECKS: readonly ConformanceCheck[] = [
  {
    title: 'says who it is',
    async run({ create }) {
      const { name, version, basePath, migrations, health, probes } = await create();
      expect(name).toMatch(/^[a-z]+$/);
      expect(version).toMatch(/^\d+\.\d+\.\d+/);
      expect(basePath).toMatch(/^\/[a-z]+\/v1$/);
      const ids = migrations.map(({ id }) => id);
      for (const id of ids) expect(id).toMatch(/^\d{4}(_[a-z0-9]+)+$/);
      expect(ids).toEqual([...new Set(ids)].sort());
      // The whole /health answers in under a second.
      expect(health.timeoutMs).toBeGreaterThan(0);
      expect(health.timeoutMs).toBeLessThan(1_000);
      const probeNames = probes.map((probe) => probe.name);
      for (const probe of probeNames) expect(probe).toMatch(/^[a-z][a-z0-9_]*$/);
      expect(new Set(probeNames).size).toBe(probeNames.length);
      for (const { timeoutMs } of probes) expect(timeoutMs).toBeGreaterThan(0);
    },
  },
  {
    title: 'declares families that say what they are',
    async run({ create }) {
      const { metrics } = await create();
      expect(metrics.families.length).toBeGreaterThan(0);
      for (const { name, help, labelNames } of metrics.families) {
        expect(name).toMatch(/^reactor_[a-z0-9]+(_[a-z0-9]+)+$/);
        expect(help).toMatch(/^[A-Z].+; moves .+\.$/s);
        for (const label of labelNames) expect(label).toMatch(/^[a-z][a-z0-9_]*$/);
      }
    },
  },
  {
    title: 'registers with several registries, repeatedly, and refuses a taken name by naming it',
    async run({ create }) {
      const { metrics } = await create();
      for (const registry of [new Registry(), new Registry()]) {
        metrics.register(registry);
        metrics.register(registry);
        const names = registry.getMetricsAsArray().map(({ name }) => name);
        expect(names.sort()).toEqual(metrics.families.map(({ name }) => name).sort());
      }
      const [first] = metrics.families;
      const taken = new Registry();
      (await create()).metrics.register(taken);
      const before = taken.getMetricsAsArray().length;
      expect(() => metrics.register(taken)).toThrow(first?.name as string);
      expect(taken.getMetricsAsArray()).toHaveLength(before);
    },
  },
  {
    title: 'renders a valid exposition once it runs',
    run: (subject) =>
      started(subject, async ({ metrics }) => {
        const registry = new Registry();
        metrics.register(registry);
        const { families } = parseExposition(await registry.metrics());
        for (const { name, type, help } of metrics.families) expect(families.get(name)).toMatchObject({ type, help });
      }),
  },
  {
    title: 'stops before start, and twice',
    async run({ create }) {
      const capability = await create();
      await stop(capability);
      await stop(capability);
      const other = await create();
      await other.start();
      await stop(other);
      await stop(other);
      await other.stop(AbortSignal.abort());
    },
  },
  {
    title: 'is healthy after start',
    run: (subject) =>
      started(subject, async ({ health }) => {
        const result = await within('health', health.timeoutMs, (signal) => health.check(signal), 0);
        expect(result).toEqual<HealthResult>({ status: 'ok' });
      }),
  },
  {
    title: 'lets health and probes give up with their signal',
    run: (subject) =>
      started(subject, async ({ health, probes }) => {
        const settled = (what: string, work: () => Promise<unknown>) => within(what, 0, () => work().catch(() => {}));
        await settled('health', () => health.check(AbortSignal.abort()));
        for (const probe of probes) await settled(probe.name, () => probe.run(AbortSignal.abort()));
      }),
  },
  {
    title: 'has probes that answer in time and leave nothing behind',
    run: (subject) =>
      started(subject, async ({ probes }) => {
        for (const probe of probes) {
          // A first run may open what the surroundings keep, such as a pooled connection.
          await runProbe(probe);
          await expectNothingLeft(() => runProbe(probe));
        }
      }),
  },
  {
    title: 'answers an unknown path with a 404 envelope',
    run: (subject) =>
      started(subject, async ({ routes, basePath }) => {
        const app = createRoutes().route(basePath, routes);
        app.notFound(() => coreErrors.create.not_found('No route has this path.').getResponse());
        const response = await app.request(`${basePath}/_conformance/no/such/route`);
        expect(response.status).toBe(404);
        expect(response.headers.get('X-Request-Id')).toMatch(/.+/);
        expect(await response.json()).toMatchObject({
          error: { code: expect.stringMatching(/^[a-z_]+$/), status: 404, message: expect.stringMatching(/.+/) },
        });
      }),
  },
  {
    title: 'leaves nothing open after stop',
    async run(subject) {
      const life = () =>
        started(subject, async ({ health, probes }) => {
          await within('health', health.timeoutMs, (signal) => health.check(signal));
          for (const probe of probes) await runProbe(probe);
        });
      // The first life may open what the surroundings keep.
      await life();
      await expectNothingLeft(life);
    },
  },
];

async function runProbe(probe: DoctorProbe): Promise<void> {
  const result = await within(`probe ${probe.name}`, probe.timeoutMs, (signal) => probe.run(signal), 0);
  expect(['ok', 'warn', 'fail']).toContain(result.status);
  if (result.status === 'ok') return;
  expect(result.message).toMatch(/.+/);
  expect(result.remedy).toMatch(/.+/);
  if (result.code !== undefined) expect(result.code).toMatch(/^[a-z][a-z0-9_]*$/);
}

import {
  type Capability,
  counter,
  createRoutes,
  type Database,
  type DoctorProbe,
  metricsContributor,
  silentLogger,
  systemClock,
  withContext,
} from '@reactor/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createHello, helloSection } from '../../../examples/hello-capability/src/index.js';
import { CONFORMANCE_CHECKS } from '../src/conformance/checks.js';
import { createTestDatabase, describeConformance } from '../src/index.js';

/** The smallest one, imported by its path: its own tests take this package, and packages may not depend in a circle. */
const sample = (database: Database): Capability =>
  createHello(helloSection.parse({}), { database, logger: silentLogger, clock: systemClock });

async function database(): Promise<Database> {
  return (await createTestDatabase()).database;
}

describeConformance('hello', async () => {
  const port = await database();
  return { create: () => sample(port) };
});

const probe = (run: DoctorProbe['run'], timeoutMs = 50): DoctorProbe => ({ name: 'broken', timeoutMs, run });
const forever = () => new Promise<never>(() => {});

/** Each breaks one promise; the check of that promise must see it. */
const BROKEN: readonly (readonly [string, (good: Capability) => Partial<Capability>])[] = [
  ['says who it is', () => ({ basePath: '/Storage/v1' })],
  ['says who it is', () => ({ migrations: [{ id: '1-create', sql: 'SELECT 1' }] })],
  ['says who it is', ({ health }) => ({ health: { ...health, timeoutMs: 1_000 } })],
  ['says who it is', ({ probes }) => ({ probes: [...probes, ...probes] })],
  [
    'declares families that say what they are',
    () => ({
      metrics: metricsContributor([counter({ name: 'things_total', help: 'Things', moves: 'x', unit: 'none' })]),
    }),
  ],
  ['declares families that say what they are', () => ({ metrics: metricsContributor([]) })],
  [
    'registers with several registries, repeatedly, and refuses a taken name by naming it',
    ({ metrics }) => ({ metrics: { families: metrics.families, register: () => {} } }),
  ],
  [
    'stops before start, and twice',
    () => {
      let stops = 0;
      return {
        stop: async () => {
          stops += 1;
          if (stops > 1) throw new Error('stopped twice');
        },
      };
    },
  ],
  ['is healthy after start', () => ({ health: { timeoutMs: 50, check: forever } })],
  [
    'is healthy after start',
    () => ({ health: { timeoutMs: 50, check: async () => ({ status: 'error', reason: 'x' }) } }),
  ],
  ['lets health and probes give up with their signal', () => ({ probes: [probe(forever)] })],
  ['has probes that answer in time and leave nothing behind', () => ({ probes: [probe(forever)] })],
  [
    'has probes that answer in time and leave nothing behind',
    () => ({ probes: [probe(async () => ({ status: 'fail', message: 'broken', remedy: '' }))] }),
  ],
  [
    'has probes that answer in time and leave nothing behind',
    () => ({
      probes: [
        probe(async () => {
          leaked.push(setTimeout(() => {}, 60_000));
          return { status: 'ok' };
        }),
      ],
    }),
  ],
  [
    'answers an unknown path with a 404 envelope',
    () => {
      const routes = createRoutes();
      routes.use(withContext({ logger: silentLogger }));
      routes.all('*', (c) => c.text('here you are'));
      return { routes };
    },
  ],
  ['answers an unknown path with a 404 envelope', () => ({ routes: createRoutes() })],
  ['leaves nothing open after stop', () => ({ start: async () => void leaked.push(setTimeout(() => {}, 60_000)) })],
];
const leaked: NodeJS.Timeout[] = [];

describe('the check', () => {
  test.each(BROKEN.map(([title, fault], i) => ({ title, fault, variant: i })))(
    '"$title" sees fault $variant',
    async ({ title, fault }) => {
      onTestFinished(() => leaked.splice(0).forEach((timer) => void clearTimeout(timer)));
      const check = CONFORMANCE_CHECKS.find((each) => each.title === title);
      if (check === undefined) throw new Error('no such check');
      const port = await database();
      const create = () => {
        const good = sample(port);
        return { ...good, ...fault(good) };
      };
      await expect(check.run({ create })).rejects.toThrow();
    },
  );
});

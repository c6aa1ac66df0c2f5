import { createRoute, z } from '@hono/zod-openapi';
import {
  addHealthRoute,
  type Capability,
  type CapabilityContext,
  counter,
  createRoutes,
  createServices,
  type Database,
  databaseHealth,
  databasePingProbe,
  defineSection,
  healthOfEach,
  jsonAnswer,
  metricsContributor,
  type PortsOrTenants,
  probesOfEach,
  withContext,
} from '@reactor/core';
import { loadMigrations, packageVersion } from '@reactor/core/node';

const VERSION = packageVersion(new URL('../package.json', import.meta.url));

/** The section `[hello]` of Reactor.toml. */
export const helloSection = defineSection({
  name: 'hello',
  schema: z.strictObject({ greeting: z.string().min(1).default('Hello').describe('How visitors are greeted.') }),
  toConfig: (values) => values,
});

/** The section as `createHello` takes it. */
export type HelloConfig = ReturnType<typeof helloSection.parse>;

/** What hello needs of each tenant. */
export interface HelloPorts {
  readonly database: Database;
}

const greet = createRoute({
  method: 'post',
  path: '/greetings',
  summary: 'Be greeted',
  responses: { 200: jsonAnswer('Which visitor this was', z.object({ text: z.string(), visitor: z.int() })) },
});
const COUNT = 'UPDATE reactor_hello.visitors SET count = count + 1 RETURNING count';

/** Greets visitors under `/hello/v1`, and counts them: the smallest capability, to copy. */
export function createHello(
  { greeting }: HelloConfig,
  context: CapabilityContext & PortsOrTenants<HelloPorts>,
): Capability {
  const greetings = counter({
    name: 'reactor_hello_greetings_total',
    help: 'Visitors greeted',
    moves: 'once per greeting, as it is counted in the database',
    unit: 'none',
  });
  const services = createServices(context, {
    make: ({ database }: HelloPorts) => ({
      database,
      health: databaseHealth(database),
      probes: [databasePingProbe(database)],
    }),
  });

  const routes = createRoutes();
  routes.use(withContext(context));
  addHealthRoute(routes, { version: VERSION, clock: context.clock, healthOf: (c) => services.of(c).health });
  routes.openapi(greet, async (c) => {
    const { rows } = await services.of(c).database.query<{ count: number }>(COUNT);
    const visitor = rows[0]?.count ?? 0;
    greetings.child({}).inc();
    return c.json({ text: `${greeting}, visitor ${visitor}!`, visitor }, 200);
  });

  return {
    name: helloSection.name,
    version: VERSION,
    basePath: '/hello/v1',
    routes,
    migrations: loadMigrations(new URL('../migrations/', import.meta.url)),
    metrics: metricsContributor([greetings]),
    health: healthOfEach(services, ({ health }) => health),
    get probes() {
      return probesOfEach(services, ({ probes }) => probes);
    },
    start: () => services.start(),
    stop: (deadline) => services.stop(deadline),
  };
}

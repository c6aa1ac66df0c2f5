import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import {
  allowLongAnswer,
  authenticate,
  bearerSecurity,
  coreErrors,
  errorAnswer,
  jsonAnswer,
  limitBody,
  MAX_BODY_BYTES,
  type ReactorEnv,
  requireSystem,
  type Services,
} from '@reactor/core';
import type { MiddlewareHandler } from 'hono';
import { asSent } from '../app-migrations/check.js';
import { type AppMigration, readMigrationFiles } from '../app-migrations/files.js';
import type { AppMigrationStatus } from '../app-migrations/status.js';
import { utf8Bodies } from '../http/utf8-bodies.js';
import { migrationWarnings } from '../policies/warnings.js';
import type { DataService } from '../service.js';

const security = bearerSecurity;
const names = z.array(z.string());

const warningSchema = z.object({ file: z.string(), line: z.int(), message: z.string() });

const appliedSchema = z.object({
  applied: names.describe('What this call applied.'),
  pending: names.describe('What is still to be applied; in a dry run it was tried and undone.'),
  untried: names
    .optional()
    .describe('In a dry run, of what is pending: a file without a transaction, and what comes after it.'),
  warnings: z.array(warningSchema).optional().describe('What works there, and would be better otherwise.'),
});

const migrationsSchema = z.object({
  applied: z.array(z.object({ name: z.string(), applied_at: z.iso.datetime() })),
  pending: names,
  changed: names.describe('Applied with another text than they have now.'),
  unknown: names.describe('Applied, and no longer among the files.'),
  refused: z
    .array(z.object({ name: z.string(), reason: z.string() }))
    .optional()
    .describe('Of what is pending: what cannot run; nothing is applied until it is corrected.'),
  partial: z
    .array(z.object({ name: z.string(), ran: z.int(), statements: z.int() }))
    .optional()
    .describe('Of what is pending: files without a transaction of which some statements ran.'),
});

const bodySchema = z
  .strictObject({
    migrations: z
      .array(z.strictObject({ name: z.string().min(1).max(200), sql: z.string() }))
      .max(10_000)
      .describe('Name and text, in UTF-8. Without a body: the files of `data.migrations_dir`.'),
  })
  .openapi('AppMigrations');

const reload = createRoute({
  method: 'post',
  path: '/_admin/reload',
  summary: 'Read the database schema again, after DDL that was not announced',
  security,
  responses: {
    200: jsonAnswer('What is there now.', z.object({ relations: z.int(), functions: z.int() })),
    413: errorAnswer('payload_too_large'),
    503: errorAnswer('schema_unavailable', 'database_unavailable'),
  },
});

const status = createRoute({
  method: 'get',
  path: '/_admin/migrations',
  summary: "The app's own migrations and whether they are applied",
  security,
  responses: {
    200: jsonAnswer('By name.', migrationsSchema),
    500: errorAnswer('migrations_unreadable'),
  },
});

const compare = createRoute({
  method: 'post',
  path: '/_admin/migrations',
  summary: 'Whether these migrations are applied; nothing is changed',
  security,
  request: { body: { required: true, content: { 'application/json': { schema: bodySchema } } } },
  responses: {
    200: jsonAnswer('By name.', migrationsSchema),
    400: errorAnswer('invalid_request', 'migration_failed'),
    413: errorAnswer('payload_too_large'),
  },
});

const apply = createRoute({
  method: 'post',
  path: '/_admin/migrate',
  summary: "Apply the app's own migrations that are pending, each in a transaction of its own",
  security,
  request: {
    query: z.object({
      dry_run: z.enum(['', 'true', 'false']).default('false').describe('Try them all and undo them.'),
    }),
    body: { required: false, content: { 'application/json': { schema: bodySchema } } },
  },
  responses: {
    200: jsonAnswer('What was done.', appliedSchema),
    400: errorAnswer('invalid_request', 'migration_failed'),
    409: errorAnswer('migration_changed'),
    413: errorAnswer('payload_too_large'),
    503: errorAnswer('migration_blocked', 'database_unavailable'),
  },
});

/** What routes for the operator begin with: the admin token is needed, and bodies have a limit. */
export function operatorOnly(
  services: Services<DataService>,
  maxBodyBytes: (service: DataService) => number = ({ context }) => context.maxBodyBytes ?? MAX_BODY_BYTES,
): MiddlewareHandler<ReactorEnv>[] {
  return [
    authenticate((c) => services.of(c).tokens),
    async (c, next) => {
      requireSystem(c);
      await next();
    },
    (c, next) => limitBody(maxBodyBytes(services.of(c)))(c, next),
    utf8Bodies,
  ];
}

/** For the operator: the schema and the app's own migrations. */
export function addAdminRoutes(routes: OpenAPIHono<ReactorEnv>, services: Services<DataService>): void {
  routes.openapi({ ...reload, middleware: operatorOnly(services) }, async (c) => {
    const { model } = await services.of(c).schema.reload();
    return c.json({ relations: model.relations.size, functions: model.functions.size }, 200);
  });

  // Migrations are as large as what an app sends otherwise.
  const middleware = operatorOnly(services, ({ config }) => config.maxBodyBytes);

  routes.openapi({ ...status, middleware }, async (c) => {
    const { config, migrations } = services.of(c);
    const { migrationsDir } = config;
    const files = migrationsDir === undefined ? undefined : await readMigrationFiles(migrationsDir);
    return c.json(statusBody(await migrations.status(files)), 200);
  });

  routes.openapi({ ...compare, middleware }, async (c) => {
    const { migrations } = services.of(c);
    return c.json(statusBody(await migrations.status(c.req.valid('json').migrations.map(asSent))), 200);
  });

  routes.openapi({ ...apply, middleware }, async (c) => {
    const { config, migrations, migrate } = services.of(c);
    const body = c.req.header('Content-Type') === undefined ? undefined : c.req.valid('json');
    const wanted = body?.migrations.map(asSent) ?? (await readMigrationFiles(requireFolder(config.migrationsDir)));
    allowLongAnswer(c);
    const isDryRun = c.req.valid('query').dry_run !== 'false';
    if (!isDryRun) {
      const applied = await migrate(wanted);
      return c.json({ applied: [...applied], pending: [], ...warningsOf(wanted, applied) }, 200);
    }
    const { applied: tried, untried } = await migrations.dryRun(wanted);
    const pending = [...tried, ...untried];
    const rest = untried.length === 0 ? {} : { untried: [...untried] };
    return c.json({ applied: [], pending, ...rest, ...warningsOf(wanted, pending) }, 200);
  });
}

function requireFolder(folder: string | undefined): string {
  if (folder !== undefined) return folder;
  throw coreErrors.create.invalid_request(
    'The server has no data.migrations_dir. Send the migrations, as `reactor db migrate <folder>` does, or set it.',
  );
}

function warningsOf(wanted: readonly AppMigration[], names: readonly string[]) {
  const warnings = wanted.filter(({ name }) => names.includes(name)).flatMap(migrationWarnings);
  return warnings.length === 0 ? {} : { warnings };
}

function statusBody(status: AppMigrationStatus): z.infer<typeof migrationsSchema> {
  const { applied, pending, changed, unknown, refused, partial } = status;
  return {
    applied: applied.map(({ name, appliedAt }) => ({ name, applied_at: appliedAt.toISOString() })),
    pending: [...pending],
    changed: [...changed],
    unknown: [...unknown],
    ...(refused.length === 0 ? {} : { refused: [...refused] }),
    ...(partial.length === 0 ? {} : { partial: [...partial] }),
  };
}

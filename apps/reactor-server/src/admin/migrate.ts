import { type OpenAPIHono, z } from '@hono/zod-openapi';
import { allowLongAnswer, bearerSecurity, coreErrors, errorAnswer, jsonAnswer, type ReactorEnv } from '@reactor/core';
import type { MigrationName } from '@reactor/postgres';

/** What an operator may do about pending migrations. */
export interface MigrationActions {
  /** Applies them. @returns what this call applied */
  apply(): Promise<readonly MigrationName[]>;
  /** Tries them and undoes it. @returns what `apply` would apply */
  dryRun(): Promise<readonly MigrationName[]>;
}

const migrations = z.array(z.object({ owner: z.string().describe('A capability, or `app`.'), id: z.string() }));

/** `POST /_admin/migrate`, with `?dry_run` only to try. @param actions undefined while the server starts */
export function migrateRoute(routes: OpenAPIHono<ReactorEnv>, actions: MigrationActions | undefined): void {
  routes.post('/_admin/migrate', async (c) => {
    if (actions === undefined) {
      throw coreErrors.create.not_ready('The server is still starting.', { headers: { 'Retry-After': '1' } });
    }
    const dryRun = c.req.query('dry_run') ?? 'false';
    if (!['', 'true', 'false'].includes(dryRun)) {
      throw coreErrors.create.invalid_request(`dry_run: expected true or false, got ${JSON.stringify(dryRun)}`);
    }
    // Building an index takes as long as it takes.
    allowLongAnswer(c);
    return c.json(
      dryRun === 'false'
        ? { applied: await actions.apply(), pending: [] }
        : { applied: [], pending: await actions.dryRun() },
    );
  });
  routes.openAPIRegistry.registerPath({
    method: 'post',
    path: '/_admin/migrate',
    tags: ['server'],
    summary: 'Apply the pending migrations of the capabilities and of the app',
    security: bearerSecurity,
    parameters: [
      {
        name: 'dry_run',
        in: 'query',
        description: 'Only try them, then undo them.',
        schema: { type: 'string', enum: ['', 'true', 'false'] },
      },
    ],
    responses: {
      200: jsonAnswer('What was applied, or would be.', z.object({ applied: migrations, pending: migrations })),
      400: errorAnswer('invalid_request', 'migration_failed'),
      409: errorAnswer('migration_changed'),
      503: errorAnswer('migration_blocked', 'not_ready'),
    },
  });
}

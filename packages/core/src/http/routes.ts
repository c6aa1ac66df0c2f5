import { OpenAPIHono, z } from '@hono/zod-openapi';
import { coreErrors } from '../errors.js';
import type { ReactorEnv } from './env.js';

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** `invalid_request` (400) naming each place: `details: [{path: "email", message: …}]`. */
export function invalidInput(issues: readonly Issue[], target?: string) {
  const details = issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message }));
  const where = target === undefined ? '' : ` in the ${target}`;
  const first = details[0];
  const summary = first === undefined ? '' : `: ${first.path === '' ? '' : `${first.path}: `}${first.message}`;
  return coreErrors.create.invalid_request(`Invalid input${where}${summary}`, { details });
}

const TARGETS: Record<string, string> = {
  json: 'JSON body',
  form: 'form body',
  query: 'query string',
  param: 'path',
  header: 'headers',
  cookie: 'cookies',
};

/** For an app that others are mounted on. */
export type RoutesOptions = Pick<NonNullable<ConstructorParameters<typeof OpenAPIHono<ReactorEnv>>[0]>, 'router'>;

/**
 * The Hono app a capability puts its routes on. Routes declared with `createRoute` are validated by their zod schemas,
 * answer `invalid_request` (400) on a mismatch, and appear in `/_api/openapi.json`.
 */
export function createRoutes(options: RoutesOptions = {}): OpenAPIHono<ReactorEnv> {
  return new OpenAPIHono<ReactorEnv>({
    ...options,
    defaultHook: (result) => {
      if (!result.success) throw invalidInput(result.error.issues, TARGETS[result.target] ?? result.target);
    },
  });
}

/** For `createRoute`: an answer in JSON. */
export function jsonAnswer<Schema extends z.ZodType>(description: string, schema: Schema) {
  return { description, content: { 'application/json': { schema } } };
}

const errorSchema = z
  .object({
    error: z.object({
      code: z.string(),
      message: z.string(),
      status: z.int(),
      request_id: z.string().optional(),
      details: z.unknown().optional(),
    }),
  })
  .openapi('Error');

/** For `createRoute`: an error, by the codes that it may have. */
export function errorAnswer(...codes: readonly [string, ...string[]]) {
  return jsonAnswer(codes.map((code) => `\`${code}\``).join(', '), errorSchema);
}

/** For `createRoute`: the caller needs a bearer token. */
export const bearerSecurity: { bearer: string[] }[] = [{ bearer: [] }];

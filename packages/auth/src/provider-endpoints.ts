import { betterAuth } from 'better-auth';
import { bearer } from 'better-auth/plugins/bearer';
import { jwt } from 'better-auth/plugins/jwt';
import { organization } from 'better-auth/plugins/organization';
import type { z } from 'zod';

/** One of better-auth's HTTP endpoints. */
export interface ProviderEndpoint {
  /** Below the mount point: `/sign-in/email`. */
  readonly path: string;
  readonly methods: readonly string[];
  /** How better-auth declares it, as far as a description needs it. */
  readonly declared: ProviderDeclaration;
}

/** The part of better-auth's options of an endpoint that says what it takes and gives. */
export interface ProviderDeclaration {
  readonly body?: z.ZodType;
  readonly query?: z.ZodType;
  readonly metadata?: {
    readonly SERVER_ONLY?: boolean;
    readonly openapi?: {
      readonly description?: string;
      readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: object } } };
      readonly responses?: Readonly<Record<string, { readonly description?: string }>>;
    };
  };
}

/** Signs nothing, as nobody calls what it is for. */
const UNUSED_SECRET = 'a secret that nothing is signed with';

/**
 * The HTTP endpoints that better-auth has with the plugins of `createBetterAuth`: routes exist before the first tenant
 * does, so this asks an instance that has no database.
 */
export function providerEndpoints(): readonly ProviderEndpoint[] {
  const { api } = betterAuth({
    // Both, as in `createBetterAuth`: without `secrets`, those of the environment would be read.
    secret: UNUSED_SECRET,
    secrets: [{ version: 1, value: UNUSED_SECRET }],
    baseURL: 'http://reactor.invalid',
    emailAndPassword: { enabled: true },
    plugins: [bearer(), organization(), jwt()],
    telemetry: { enabled: false },
    logger: { disabled: true },
  });
  return endpointsOf(api);
}

/** @param api of an instance of better-auth */
export function endpointsOf(api: object): readonly ProviderEndpoint[] {
  return Object.values(api).flatMap((endpoint) => {
    const { path, options } = endpoint as {
      path?: string;
      options?: ProviderDeclaration & { method?: string | readonly string[] };
    };
    const method = options?.method;
    if (path === undefined || method === undefined || options?.metadata?.SERVER_ONLY === true) return [];
    return [{ path, methods: typeof method === 'string' ? [method] : method, declared: options ?? {} }];
  });
}

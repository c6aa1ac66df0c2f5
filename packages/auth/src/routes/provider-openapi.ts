import { type OpenAPIHono, z } from '@hono/zod-openapi';
import { bearerSecurity, errorAnswer, type ReactorEnv } from '@reactor/core';
import type { ProviderDeclaration, ProviderEndpoint } from '../provider-endpoints.js';

/** What better-auth does not say of its endpoints. */
const SUMMARIES: Readonly<Record<string, string>> = {
  '/organization/cancel-invitation': 'Cancel an invitation',
  '/organization/check-slug': 'Check whether a slug is free',
  '/organization/get-active-member-role': 'Get the role of a member in the active organization',
  '/organization/leave': 'Leave an organization',
  '/organization/list-invitations': 'List the invitations of an organization',
  '/organization/list-members': 'List the members of an organization',
};

/** Answered without a session. */
const OPEN = new Set(['/sign-up/email', '/sign-in/email', '/sign-out', '/get-session', '/jwks']);

/** Puts one of better-auth's endpoints into the OpenAPI document, by the schemas that it checks requests with. */
export function describeProviderRoute(routes: OpenAPIHono<ReactorEnv>, endpoint: ProviderEndpoint): void {
  const { path, methods, declared } = endpoint;
  const { openapi } = declared.metadata ?? {};
  const isOpen = OPEN.has(path);
  // Schemas, not what they say: working that out takes longer than a start should wait for.
  const query = declared.query && objectIn(declared.query);
  const body = bodyOf(declared);
  for (const name of methods) {
    const method = name.toLowerCase() as 'get' | 'post';
    routes.openAPIRegistry.registerPath({
      method,
      path,
      tags: ['auth'],
      summary: SUMMARIES[path] ?? openapi?.description ?? path,
      description: `An endpoint of better-auth.${isOpen ? '' : ' It takes the session token (`refresh_token`), no access token.'}`,
      ...(isOpen ? {} : { security: bearerSecurity }),
      request: {
        ...(query === undefined ? {} : { query }),
        ...(body === undefined || method === 'get' ? {} : { body }),
      },
      responses: {
        200: { description: openapi?.responses?.['200']?.description ?? 'Done' },
        400: errorAnswer('invalid_request'),
        ...(isOpen ? {} : { 401: errorAnswer('unauthorized', 'invalid_token') }),
      },
    });
  }
}

/** The object behind optional. */
function objectIn(type: z.ZodType): z.ZodObject | undefined {
  if (type instanceof z.ZodOptional) return objectIn(type.unwrap() as z.ZodType);
  return type instanceof z.ZodObject ? type : undefined;
}

/** The schema of the body, or what better-auth describes where it takes any object. */
function bodyOf({ body, metadata }: ProviderDeclaration) {
  if (body === undefined) return undefined;
  const described = body instanceof z.ZodRecord ? metadata?.openapi?.requestBody : undefined;
  const schema = described?.content['application/json'].schema ?? body;
  return { content: { 'application/json': { schema } }, required: !body.safeParse(undefined).success };
}

import type { OpenAPIHono } from '@hono/zod-openapi';
import {
  allowLongAnswer,
  bearerToken,
  coreErrors,
  cutAnswer,
  type Principal,
  type ReactorEnv,
  ReactorError,
  requestOf,
  type Services,
  setPrincipal,
  signalOfRequest,
  toReactorError,
} from '@reactor/core';
import type { Context } from 'hono';
import { routePath } from 'hono/route';
import type { Access } from '../deployment.js';
import { isFunctionName } from '../function-name.js';
import type { FunctionsService } from '../service.js';
import { DESCRIBED_METHODS, describeInvokeRoutes } from './openapi.js';

/** `.` would leave out line breaks. */
const PATHS = ['/:name', '/:name/:path{[\\s\\S]*}'] as const;
const CHALLENGE = { 'WWW-Authenticate': 'Bearer' };

/** Every method and path at and below the name of a function. Comes after the routes of the operator. */
export function addInvokeRoutes(
  routes: OpenAPIHono<ReactorEnv>,
  services: Services<FunctionsService>,
  clock: { monotonic(): number },
): void {
  const call = async (c: Context<ReactorEnv>) => {
    const started = clock.monotonic();
    // It has a time limit of its own.
    allowLongAnswer(c);
    const service = services.of(c);
    const { name, target } = addressOf(c);
    const request = requestOf(c);
    let isCold = false;
    const ours = (): Record<string, string> => ({
      // What cannot be a name may not even be a header.
      ...(isFunctionName(name) ? { 'X-Reactor-Function': name } : {}),
      'X-Reactor-Cold-Start': String(isCold),
      'X-Reactor-Duration-Ms': String(Math.round(clock.monotonic() - started)),
    });
    try {
      const answer = await service.invoker.invoke({
        name,
        target,
        request: c.req.raw,
        requestId: request.requestId,
        signal: signalOfRequest(c),
        cut: () => cutAnswer(c),
        authorize: (access) => authorize(c, service, access),
        onStarted: (facts) => {
          isCold = facts.isCold;
          const queueMs = Math.round(facts.waitedMs * 1000) / 1000;
          request.accessFields = { function: name, cold_start: isCold, queue_ms: queueMs };
        },
      });
      request.ownHeaders = true;
      for (const [header, value] of Object.entries(ours())) answer.headers.set(header, value);
      return answer;
    } catch (error) {
      throw withHeaders(toReactorError(error), ours());
    }
  };
  for (const path of PATHS) {
    for (const method of DESCRIBED_METHODS) routes[method](path, call);
    routes.all(path, call);
  }
  describeInvokeRoutes(routes);
}

/** Path and query behind the name, as they were sent. */
function addressOf(c: Context<ReactorEnv>): { readonly name: string; readonly target: string } {
  const { pathname, search } = new URL(c.req.url);
  const position = routePath(c).split('/').indexOf(':name');
  const rest = pathname.split('/').slice(position + 1);
  return { name: c.req.param('name') ?? '', target: `/${rest.join('/')}${search}` };
}

/** @throws ReactorError `unauthorized`, `invalid_token` (401), `forbidden` (403) */
async function authorize(c: Context<ReactorEnv>, service: FunctionsService, access: Access): Promise<Principal> {
  const principal = await callerOf(c, service, access);
  setPrincipal(c, principal);
  if (access === 'public' || principal.kind === 'system') return principal;
  if (principal.kind === 'anonymous') {
    throw coreErrors.create.unauthorized('This function needs a bearer token.', { headers: CHALLENGE });
  }
  if (access === 'operator') throw coreErrors.create.forbidden('This function is for the operator only.');
  return principal;
}

async function callerOf(c: Context<ReactorEnv>, { tokens }: FunctionsService, access: Access): Promise<Principal> {
  if (c.req.header('Authorization') === undefined) return { kind: 'anonymous' };
  const token = bearerToken(c);
  // What a public function is sent may be meant for it alone: the signature of a webhook, another scheme.
  if (token === undefined) {
    if (access === 'public') return { kind: 'anonymous' };
    throw coreErrors.create.invalid_token('The Authorization header must have the form "Bearer <token>".', {
      headers: CHALLENGE,
    });
  }
  try {
    return await tokens.verify(token, c);
  } catch (error) {
    if (access === 'public' && error instanceof ReactorError && error.status < 500) return { kind: 'anonymous' };
    throw error;
  }
}

function withHeaders(error: ReactorError, headers: Record<string, string>): ReactorError {
  const { code, status, message, cause, details } = error;
  return new ReactorError(code, status, message, { cause, details, headers: { ...error.headers, ...headers } });
}

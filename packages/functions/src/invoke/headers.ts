import type { Principal } from '@reactor/core';
import type { DeploymentSettings } from '../deployment.js';
import type { AnswerHeaders } from '../runtime/exchange.js';

/** Of one connection, not of the message (RFC 9110 §7.6.1); `expect` was answered by the server. */
const HOP_BY_HOP = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** Ours: what a caller sends under these names does not reach the function, nor what it answers the caller. */
const OURS = /^x-reactor-/;
/** Of auth: whoever has it is signed in. */
const OWN_COOKIE = /^(?:__Secure-|__Host-)?reactor[._-]/i;

/** What a call carries beside what its caller sent. */
export interface CallHeaders {
  readonly requestId: string;
  readonly principal: Principal;
  /** Of the function itself, where it has one. */
  readonly token: string | undefined;
}

/** The headers that a function gets. */
export function requestHeaders(
  inbound: Headers,
  { forwardAuthorization }: Pick<DeploymentSettings, 'forwardAuthorization'>,
  { requestId, principal, token }: CallHeaders,
): Record<string, string> {
  const named = connectionNames(inbound.get('connection'));
  const headers: Record<string, string> = {};
  for (const [name, value] of inbound) {
    if (HOP_BY_HOP.has(name) || named.has(name) || OURS.test(name)) continue;
    if (name === 'authorization' && !forwardAuthorization) continue;
    // The adapter frames it anew, by what really comes.
    if (name === 'content-length' && inbound.has('transfer-encoding')) continue;
    headers[name] = value;
  }
  const cookies = withoutOwn(inbound.get('cookie'));
  if (cookies === '') delete headers.cookie;
  else headers.cookie = cookies;
  headers['x-request-id'] = requestId;
  headers['x-reactor-auth'] = authHeader(principal);
  if (token !== undefined) headers['x-reactor-token'] = token;
  return headers;
}

/** Who calls, as JSON in ASCII: header values are bytes. */
function authHeader(principal: Principal): string {
  const caller =
    principal.kind === 'user'
      ? { kind: 'user', user_id: principal.id, org_id: principal.orgId ?? null, role: principal.orgRole ?? null }
      : { kind: principal.kind, user_id: null, org_id: null, role: null, ...functionOf(principal) };
  return JSON.stringify(caller).replace(
    /[\u007f-\uffff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Which function calls, where one does in its own name. */
function functionOf(principal: Principal): { readonly function?: string } {
  return principal.kind === 'system' && principal.function !== undefined ? { function: principal.function } : {};
}

function withoutOwn(cookies: string | null): string {
  if (cookies === null) return '';
  return cookies
    .split(';')
    .map((cookie) => cookie.trim())
    .filter((cookie) => cookie !== '' && !OWN_COOKIE.test(cookie))
    .join('; ');
}

/** The headers of an answer that reach the caller; names are in small letters. */
export function responseHeaders(answered: AnswerHeaders): Headers {
  const headers = new Headers();
  const named = connectionNames(String(answered.connection ?? ''));
  for (const [name, value] of Object.entries(answered)) {
    if (HOP_BY_HOP.has(name) || named.has(name) || OURS.test(name) || name === 'x-request-id') continue;
    for (const one of typeof value === 'string' ? [value] : (value ?? [])) headers.append(name, one);
  }
  return headers;
}

/** Headers that `Connection` names are of the connection too. */
function connectionNames(connection: string | null): ReadonlySet<string> {
  return new Set((connection ?? '').split(',').map((name) => name.trim().toLowerCase()));
}

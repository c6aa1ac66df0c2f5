import type { Context } from 'hono';
import type { CapabilityName } from '../capability-name.js';
import type { Logger } from '../ports/logger.js';
import type { Peer } from '../ports/peer.js';
import type { Principal } from '../principal.js';
import type { Tenant } from '../tenants/tenant.js';
import type { RequestSignal } from './request-signal.js';

/** What is known of a request from its arrival to the end of its answer. */
export interface RequestState {
  readonly requestId: string;
  /** Carries `request_id`, and `trace_id` where there is one. */
  readonly logger: Logger;
  /** Whose signals this request counts for, `server` where they are no capability's. Unset outside the server. */
  readonly capability?: CapabilityName;
  /** Unset in an app that does not tell. */
  readonly peer?: Peer | undefined;
  /** Unset until a route asks who is calling. */
  principal?: Principal | undefined;
  /** Of the error that was answered; unset when none was. */
  errorCode?: string;
  /** Aborts when nobody waits for the answer any more; unset until `signalOfRequest` is asked for it. */
  signal?: RequestSignal;
  /** Set by `allowLongAnswer`. */
  mayTakeLong?: true;
  /**
   * Whether the answer is the app's own (an object, what a function says, a page of a site) and brings the headers that
   * tell browsers what they may do with it. Set by its route; the server then adds `nosniff` only.
   */
  ownHeaders?: boolean;
  /** Of its route, for the access line. Names in snake_case; nothing secret. */
  accessFields?: Readonly<Record<string, string | number | boolean>>;
  /** Set by the outermost not-found handler: no route has this path and method. */
  unmatched?: true;
  /** Set by a server that has answered in the place of the route, which was too slow or whose request broke off. */
  givenUp?: true;
}

/**
 * Where Hono keeps it: in front of an app, in the environment that its `fetch` is called with, which needs no middleware
 * and so none of its promises; inside of one, as a variable.
 */
export interface ReactorEnv {
  Bindings: { readonly request?: RequestState };
  Variables: {
    request?: RequestState;
    /** Who connects; set by an app that mounts a capability alone and wants attempts limited by address. */
    peer?: Peer;
    /** Who is calling; set by `authenticate` in front of a route of the app's own. */
    principal?: Principal;
    /** Whose request it is; unset where there is one tenant only. */
    tenant?: Tenant;
  };
}

/** Undefined before `withContext`, in an app that nothing of ours stands in front of. */
export function findRequest(c: Context<ReactorEnv>): RequestState | undefined {
  // The environment of a foreign app may be anything, or missing.
  return (c.env as ReactorEnv['Bindings'] | undefined)?.request ?? c.get('request');
}

/** What is known of the request that is being answered; after `withContext`. */
export function requestOf(c: Context<ReactorEnv>): RequestState {
  const request = findRequest(c);
  if (request === undefined) throw new Error('the routes of a capability begin with withContext(context)');
  return request;
}

/** The answer may take as long as it takes: no server gives up waiting for it. */
export function allowLongAnswer(c: Context<ReactorEnv>): void {
  const request = findRequest(c);
  if (request !== undefined) request.mayTakeLong = true;
}

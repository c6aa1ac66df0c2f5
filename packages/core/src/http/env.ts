import type { CapabilityName } from '../capability-name.js';
import type { Logger } from '../ports/logger.js';
import type { Peer } from '../ports/peer.js';
import type { Principal } from '../principal.js';
import type { Tenant } from '../tenants/tenant.js';
import type { RequestSignal } from './request-signal.js';

/** What Reactor's middleware puts on the Hono context. */
export interface ReactorEnv {
  Variables: {
    requestId: string;
    /** Carries `request_id`. */
    logger: Logger;
    /** Whose signals this request counts for, `server` where they are no capability's. Unset outside the server. */
    capability?: CapabilityName;
    /** Whose request it is; unset where there is one tenant only. */
    tenant?: Tenant;
    /** Unset until a route asks who is calling. */
    principal?: Principal;
    /** Unset in an app that does not tell. */
    peer?: Peer;
    /** 32 hex digits from an inbound W3C `traceparent`; unset when none came. */
    traceId?: string;
    /** Of the error that was answered; unset when none was. */
    errorCode?: string;
    /** Aborts when nobody waits for the answer any more; unset until `signalOfRequest` is asked for it. */
    signal?: RequestSignal;
    /** Set by a route whose answer may take as long as it takes: no server gives up waiting for it. */
    mayTakeLong?: true;
    /**
     * Whether the answer is the app's own (an object, what a function says, a page of a site) and brings the headers that
     * tell browsers what they may do with it. Set by its route; the server then adds `nosniff` only.
     */
    ownHeaders?: boolean;
    /** Set by the outermost not-found handler: no route has this path and method. */
    unmatched?: true;
  };
}

import type { Context } from 'hono';
import type { ReactorEnv } from '../http/env.js';
import type { Tenant } from './tenant.js';

/** Who is told when a tenant comes and goes. */
export interface TenantFollower<Ports> {
  /** Before the tenant's first request. @throws when it cannot serve; the tenant is closed again then */
  opened(tenant: Tenant<Ports>): Promise<void>;
  /** When nothing uses the tenant any more, and after an `opened` that threw. Returns once `deadline` aborts. */
  closed(tenant: Tenant<Ports>, deadline: AbortSignal): Promise<void>;
}

/** The tenants of a server, for the capabilities on it. */
export interface Tenants<Ports> {
  /** Whose request this is: determined before any route runs. @throws Error where no middleware did */
  of(context: Context<ReactorEnv>): Tenant<Ports>;
  /** Those that are open, each kept open while the body of the loop works on it. */
  each(): Iterable<Tenant<Ports>>;
  /** Runs `work` for all that are open at once, and keeps them open until the last is done. */
  map<R>(work: (tenant: Tenant<Ports>) => Promise<R>): Promise<R[]>;
  /** Called once per capability, as it is made. */
  follow(follower: TenantFollower<Ports>): void;
}

/** What a capability is made from: the ports themselves, or the tenants that bring each their own. */
export type PortsOrTenants<Ports> = Ports | { readonly tenants: Tenants<Ports> };

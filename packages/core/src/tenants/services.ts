import type { Context } from 'hono';
import type { ReactorEnv } from '../http/env.js';
import type { Tenant } from './tenant.js';
import type { PortsOrTenants, Tenants } from './tenants.js';

/** What a capability has once per tenant: its database and blobs, and what stands on them. */
export interface Services<T> {
  /** Those of a request. Without one, where there is one tenant only: its. */
  of(context?: Context<ReactorEnv>): T;
  /** Those that exist now, each kept while the body of the loop works on it. */
  each(): Iterable<T>;
  /** Runs `work` on all at once, and keeps them until the last is done. */
  map<R>(work: (service: T) => Promise<R>): Promise<R[]>;
}

/** How the services of one tenant are made, brought up and closed. */
export interface ServiceLife<Ports, T> {
  /** Opens nothing. */
  make(ports: Ports): T;
  /** Before the first request. @throws when it cannot serve */
  start?(service: T): Promise<void>;
  /** Safe before `start` and twice. Returns once `deadline` aborts. */
  stop?(service: T, deadline: AbortSignal): Promise<void>;
}

/** The services of a capability, with the part that its own `start` and `stop` call. */
export interface OwnedServices<T> extends Services<T> {
  start(): Promise<void>;
  stop(deadline: AbortSignal): Promise<void>;
}

/**
 * Plain ports make the one service at once, which lives as long as the capability. With tenants, services come and go
 * with them.
 */
export function createServices<Ports extends object, T>(
  from: PortsOrTenants<Ports>,
  life: ServiceLife<Ports, T>,
): OwnedServices<T> {
  return 'tenants' in from ? servicesOfTenants(from.tenants, life) : oneService(life.make(from), life);
}

function oneService<T>(service: T, { start, stop }: Pick<ServiceLife<never, T>, 'start' | 'stop'>): OwnedServices<T> {
  return {
    of: () => service,
    each: () => [service],
    map: async (work) => [await work(service)],
    start: async () => start?.(service),
    stop: async (deadline) => stop?.(service, deadline),
  };
}

function servicesOfTenants<Ports, T>(tenants: Tenants<Ports>, life: ServiceLife<Ports, T>): OwnedServices<T> {
  const services = new Map<Tenant<Ports>, T>();
  tenants.follow({
    async opened(tenant) {
      const service = life.make(tenant.ports);
      services.set(tenant, service);
      await life.start?.(service);
    },
    async closed(tenant, deadline) {
      const service = services.get(tenant);
      services.delete(tenant);
      if (service !== undefined) await life.stop?.(service, deadline);
    },
  });
  const of = (tenant: Tenant<Ports>) => {
    const service = services.get(tenant);
    if (service === undefined) throw new Error(`tenant ${tenant.id} has no services: it is not open`);
    return service;
  };
  return {
    of(context) {
      if (context === undefined) throw new Error('with several tenants, only a request says whose services are meant');
      return of(tenants.of(context));
    },
    *each() {
      for (const tenant of tenants.each()) yield of(tenant);
    },
    map: (work) => tenants.map((tenant) => work(of(tenant))),
    // They come and go with their tenants.
    start: async () => {},
    stop: async () => {},
  };
}

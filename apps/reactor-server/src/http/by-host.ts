import type { HostRoutes } from '@reactor/core';
import type { Fetch } from '@reactor/observability';

/** What answers on the hosts that a capability claims. */
export interface HostApp {
  readonly claims: HostRoutes['claims'];
  readonly fetch: Fetch;
}

/** Looks at the host before any path: what `main` has does not exist on a host that a capability claims. */
export function byHost(main: Fetch, hosts: readonly HostApp[]): Fetch {
  if (hosts.length === 0) return main;
  return (request, bindings) => {
    const host = hostOf(request.url);
    const fetch = hosts.find(({ claims }) => claims(host))?.fetch ?? main;
    return fetch(request, bindings);
  };
}

/** As browsers mean it: lower case, decoded, without port and without the dot that ends a full name, or several. */
function hostOf(url: string): string {
  const { hostname } = new URL(url);
  return hostname.replace(/\.+$/, '');
}

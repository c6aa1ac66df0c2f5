import type { HttpBindings } from '@hono/node-server';
import type { HostRoutes, ReactorEnv } from '@reactor/core';
import type { Hono } from 'hono';
import type { Fetch } from './listener.js';

/** What answers on the hosts that a capability claims. */
export interface HostApp {
  readonly claims: HostRoutes['claims'];
  readonly app: Hono<ReactorEnv>;
}

/** Looks at the host before any path: what `main` has does not exist on a host that a capability claims. */
export function byHost(main: Hono<ReactorEnv>, hosts: readonly HostApp[]): Fetch {
  const fetch = (app: Hono<ReactorEnv>, request: Request, bindings: HttpBindings) => app.fetch(request, bindings);
  if (hosts.length === 0) return (request, bindings) => fetch(main, request, bindings);
  return (request, bindings) => {
    const host = hostOf(request.url);
    return fetch(hosts.find(({ claims }) => claims(host))?.app ?? main, request, bindings);
  };
}

/** As browsers mean it: lower case, decoded, without port and without the dot that ends a full name, or several. */
function hostOf(url: string): string {
  const { hostname } = new URL(url);
  return hostname.replace(/\.+$/, '');
}

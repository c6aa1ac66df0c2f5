import type { ReactorEnv } from '@reactor/core';
import { Hono } from 'hono';
import type { Logging } from './logging.js';

/** `GET /_admin/logs`: recent lines as server-sent events, then live ones with `follow=1`. The gate is the server's. */
export function logRoutes(logging: Logging): Hono<ReactorEnv> {
  const routes = new Hono<ReactorEnv>();
  routes.get('/_admin/logs', (c) => {
    let body = '';
    for (let sequence = logging.ring.first; sequence < logging.ring.next; sequence++) {
      const record = logging.ring.at(sequence);
      if (record !== undefined) body += `event: log\nid: ${logging.ring.bootId}-${sequence}\ndata: ${record.line}\n\n`;
    }
    return c.body(body, 200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
  });
  return routes;
}

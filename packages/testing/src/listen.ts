import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
// `serve` replaces the global Response, and this has a constant that must be one of the original: files share what they import.
import '@hono/node-server/utils/response';
import { whenOver } from './when-over.js';

type Fetch = Parameters<typeof serve>[0]['fetch'];

/** Serves an app, or what else has a `fetch`, on a free port of the loopback interface until the test is over. */
export async function listen({
  fetch,
}: {
  readonly fetch: Fetch;
}): Promise<{ readonly url: string; readonly port: number }> {
  const server = serve({ fetch, port: 0, hostname: '127.0.0.1' });
  whenOver(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) server.closeAllConnections();
      }),
  );
  if (!server.listening) await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port };
}

import type { AddressInfo } from 'node:net';
import { createAdaptorServer, type ServerType } from '@hono/node-server';
import { onTestFinished } from 'vitest';
import type { Fetch } from '../src/index.js';

/** Serves on a free port of the loopback interface until the test is over. */
export async function listen({
  fetch,
}: {
  readonly fetch: Fetch;
}): Promise<{ readonly url: string; readonly port: number }> {
  const server: ServerType = createAdaptorServer({ fetch });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port };
}

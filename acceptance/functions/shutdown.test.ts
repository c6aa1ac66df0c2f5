import { Agent, request } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { deploy, functionProcesses } from '../support/functions.js';
import { processes, processesOf } from '../support/processes.js';
import { startServer } from '../support/server.js';
import { until } from '../support/until.js';

test('SIGTERM while functions answer drops nothing, waits for what they promised, and leaves no process', async () => {
  const server = await startServer();
  await deploy(
    server,
    'slow',
    `export default async (request, env, ctx) => {
       ctx.waitUntil(Bun.sleep(500).then(() => console.log('the promise was kept')));
       await Bun.sleep(20 + Math.random() * 100);
       return new Response('x'.repeat(50_000));
     }`,
  );
  await deploy(
    server,
    'stream',
    `export default () => {
       let sent = 0;
       return new Response(new ReadableStream({
         async pull(c) { if (sent++ === 15) return c.close(); await Bun.sleep(100); c.enqueue('part\\n'); },
       }));
     }`,
  );
  const agent = new Agent({ keepAlive: true, maxSockets: 12 });
  onTestFinished(() => agent.destroy());
  let answered = 0;
  let refused = 0;
  let stopping = false;
  const dropped: string[] = [];
  const call = () =>
    new Promise<void>((resolve) => {
      const outgoing = request(`${server.url}/fn/v1/slow`, { agent }, (response) => {
        let length = 0;
        response.on('data', (chunk: Buffer) => {
          length += chunk.length;
        });
        response.on('end', () => {
          if (response.statusCode === 200 && length === 50_000) answered++;
          else dropped.push(`status ${response.statusCode}, ${length} bytes`);
          resolve();
        });
        response.on('error', (error) => {
          dropped.push(`in its answer: ${error.message}`);
          resolve();
        });
      });
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        // Nobody listens any more, or the kernel resets a connection that nobody had taken yet.
        const isRefused = error.code === 'ECONNREFUSED' || (error.code === 'ECONNRESET' && !outgoing.reusedSocket);
        if (stopping && isRefused) refused++;
        else dropped.push(`${error.code}: ${error.message}`);
        resolve();
      });
      outgoing.end();
    });
  const clients = Array.from({ length: 12 }, async () => {
    while (refused === 0) await call();
  });
  await until('load', async () => answered > 50 || undefined);
  const shims = new Set(await functionProcesses(server));
  expect(shims.size).toBeGreaterThan(0);
  const streamed = fetch(`${server.url}/fn/v1/stream`);
  const body = (await streamed).text();
  stopping = true;
  expect(await server.end('SIGTERM')).toBe(0);
  await Promise.all(clients);
  expect(dropped).toEqual([]);
  expect(await body).toBe('part\n'.repeat(15));
  const kept = server.stdout().split('the promise was kept').length - 1;
  expect(kept).toBeGreaterThanOrEqual(answered);
  await until('every process to end', async () => {
    const left = (await processes()).filter(({ pid, command }) => shims.has(pid) && command.includes('shim.mjs'));
    return left.length + (await processesOf(server.stateDirectory)).length === 0 || undefined;
  });
});

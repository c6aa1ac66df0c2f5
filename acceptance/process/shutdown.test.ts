import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createBucket, health, putObject, signUp } from '../support/client.js';
import { processesOf } from '../support/processes.js';
import { MAIN, projectDirectory, startServer } from '../support/server.js';
import { until } from '../support/until.js';

test('SIGTERM under load drops no request that was read, and leaves no process', async () => {
  const server = await startServer();
  const person = await signUp(server);
  await createBucket(server, 'load');
  await putObject(server, person.access_token, 'load/a', 'x'.repeat(50_000));
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  onTestFinished(() => agent.destroy());
  const { port } = new URL(server.url);
  let answered = 0;
  let refused = 0;
  const dropped: string[] = [];
  const reset: string[] = [];
  let stopping = false;

  const once_ = () =>
    new Promise<void>((resolve) => {
      const id = randomUUID();
      const call = request(
        {
          agent,
          port,
          host: '127.0.0.1',
          path: '/storage/v1/object/load/a',
          headers: { Authorization: `Bearer ${person.access_token}`, 'X-Request-Id': id },
        },
        (response) => {
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
            dropped.push(`mid-answer: ${error.message}`);
            resolve();
          });
        },
      );
      call.on('error', (error: NodeJS.ErrnoException) => {
        // Not a dropped request: nobody listens any more.
        if (stopping && error.code === 'ECONNREFUSED') refused++;
        // A connection that waits to be taken when the listening ends is reset by the kernel.
        else if (stopping && error.code === 'ECONNRESET' && !call.reusedSocket) reset.push(id);
        else dropped.push(`${error.code}: ${error.message}`);
        resolve();
      });
      call.end();
    });
  const clients = Array.from({ length: 16 }, async () => {
    while (refused === 0) await once_();
  });
  await until('load', async () => (answered > 200 ? true : undefined));
  stopping = true;
  const code = await server.end('SIGTERM');
  await Promise.all(clients);
  expect(dropped).toEqual([]);
  expect(reset.filter((id) => server.stdout().includes(id))).toEqual([]);
  expect(code).toBe(0);
  await until('every process to end', async () => (await processesOf(server.stateDirectory)).length === 0 || undefined);
});

test('readiness and health turn 503 first, while requests are still answered', async () => {
  const server = await startServer({ environment: { REACTOR_SERVER__GRACE_SECS: '1.5' } });
  const ended = server.end('SIGTERM');
  const refusal = await until('readyz to turn', async () => {
    const response = await fetch(`${server.url}/readyz`);
    return response.status === 503 ? response : undefined;
  });
  expect(refusal.headers.get('Retry-After')).toMatch(/^\d+$/);
  expect(refusal.headers.get('Connection')).toBe('close');
  expect((await fetch(`${server.url}/health`)).status).toBe(503);
  expect((await fetch(`${server.url}/livez`)).status).toBe(200);
  expect((await fetch(`${server.url}/auth/v1/keys`)).status).toBe(200);
  expect(await ended).toBe(0);
});

test('SIGHUP is a SIGTERM, and the second one of a closed terminal no reason to hurry', async () => {
  const server = await startServer({ environment: { REACTOR_SERVER__GRACE_SECS: '1' } });
  const ended = server.end('SIGHUP');
  await until('the drain to begin', async () => (server.stdout().includes('stopping') ? true : undefined));
  server.process.kill('SIGHUP');
  expect((await fetch(`${server.url}/auth/v1/keys`)).status).toBe(200);
  expect(await ended).toBe(0);
  expect(server.stdout()).toContain('"stopped"');
  await until('every process to end', async () => (await processesOf(server.stateDirectory)).length === 0 || undefined);
});

test('a terminal that is closed stops the server in order', async () => {
  const directory = await projectDirectory();
  const state = path.join(directory, '.reactor');
  // `script` gives it a terminal, which ends with `script`. The state directory marks it in the list of processes.
  const command = `exec '${process.execPath}' '${MAIN}' --bind 127.0.0.1:0 --state-dir '${state}'`;
  const terminal = spawn('script', ['-qec', command, '/dev/null'], {
    cwd: directory,
    env: { PATH: process.env.PATH, HOME: directory },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let shown = '';
  terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
  });
  await until('the banner', async () => (shown.includes('is ready after') ? true : undefined));
  terminal.kill('SIGKILL');
  await until('every process to end', async () => (await processesOf(state)).length === 0 || undefined);
  // Gone only when the stop came to its end.
  expect(existsSync(path.join(state, 'server.pid'))).toBe(false);
  expect(existsSync(path.join(state, 'postgres/data/postmaster.pid'))).toBe(false);
});

test('an upload that is under way is finished and kept', async () => {
  const server = await startServer();
  const person = await signUp(server);
  await createBucket(server, 'slow');
  const { port } = new URL(server.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(
    `PUT /storage/v1/object/slow/a HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${person.access_token}\r\nContent-Length: 10\r\n\r\n01234`,
  );
  await until('the request to be in flight', async () => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    return /reactor_http_requests_in_flight\{capability="storage"\} 1/.test(text) ? true : undefined;
  });
  const ended = server.end('SIGTERM');
  await until('the drain to begin', async () => (server.stdout().includes('stopping') ? true : undefined));
  socket.write('56789');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 /);
  expect(await ended).toBe(0);
});

test('POST /_admin/shutdown stops it the same way', async () => {
  const server = await startServer();
  const exited = once(server.process, 'close');
  expect((await server.admin('/_admin/shutdown', { method: 'POST' })).status).toBe(202);
  expect((await exited)[0]).toBe(0);
  await until('every process to end', async () => (await processesOf(server.stateDirectory)).length === 0 || undefined);
});

test('a log stream that is open does not hold the stop up', async () => {
  const server = await startServer();
  const stream = await server.admin('/_admin/logs?follow=1');
  const read = stream.text();
  expect(await server.end('SIGTERM')).toBe(0);
  expect(await read).toContain('event: log');
});

test('SIGTERM while it starts ends it cleanly', async () => {
  const server = await startServer({ ready: false });
  expect(await server.end('SIGTERM')).toBe(0);
  await until('every process to end', async () => (await processesOf(server.stateDirectory)).length === 0 || undefined);
});

test('a connection that never sent a request holds nothing up, and PostgreSQL is shut down properly', async () => {
  const server = await startServer();
  const { port } = new URL(server.url);
  const silent = connect(Number(port), '127.0.0.1');
  silent.on('error', () => {});
  await once(silent, 'connect');
  const started = performance.now();
  expect(await server.end('SIGTERM')).toBe(0);
  // The budget of the whole stop is thirty seconds.
  expect(performance.now() - started).toBeLessThan(10_000);
  const again = await startServer({
    directory: server.directory,
    environment: { REACTOR_TRACING__FILTER: 'info,reactor_postgres=debug' },
  });
  expect(again.stdout()).not.toContain('not properly shut down');
});

test('a reader of both outputs that goes away does not take the server with it', async () => {
  const server = await startServer({ ready: false });
  server.process.stdout?.destroy();
  server.process.stderr?.destroy();
  await until('the server to be healthy', async () => ((await health(server)).status === 200 ? true : undefined));
  await signUp(server);
  expect(await server.end('SIGTERM')).toBe(0);
});

test('a second signal does not wait', async () => {
  const server = await startServer({ environment: { REACTOR_SERVER__GRACE_SECS: '60' } });
  const ended = server.end('SIGTERM');
  await until('the drain to begin', async () => (server.stdout().includes('stopping') ? true : undefined));
  server.process.kill('SIGTERM');
  expect(await ended).toBe(143);
  await until('PostgreSQL to end too', async () =>
    (await processesOf(server.stateDirectory)).length === 0 ? true : undefined,
  );
});

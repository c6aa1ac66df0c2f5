import { rename, rm, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { doctor, type HealthBody, health, rootCauses, signUp } from '../support/client.js';
import { createFunction, deploy, functionProcesses, pack } from '../support/functions.js';
import { installServer } from '../support/installation.js';
import { runServer, startServer, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';

async function failing(server: TestServer): Promise<HealthBody> {
  return until('health to fail', async () => {
    const { status, body } = await health(server);
    return status === 503 ? body : undefined;
  });
}

async function healthy(server: TestServer): Promise<void> {
  await until('health to be ok', async () => ((await health(server)).status === 200 ? true : undefined));
  expect(rootCauses((await doctor(server)).body)).toEqual([]);
}

async function deployed(server: TestServer, name: string): Promise<number> {
  await createFunction(server, name);
  const answer = await server.admin(`/fn/v1/_admin/functions/${name}/deployments`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/gzip' },
    body: await pack({ 'index.ts': 'export default () => new Response("ok")' }),
  });
  return answer.status;
}

test('the executable of Bun gone or broken: functions fail and nothing else, with one cause, and recover', async () => {
  const { main, bun } = await installServer();
  const server = await startServer({ main });
  await deploy(server, 'steady', 'export default () => new Response("ok")');
  const call = (name: string) => fetch(`${server.url}/fn/v1/${name}`);
  await deploy(server, 'cold', 'export default () => new Response("ok")');
  expect((await call('steady')).status).toBe(200);

  await rename(bun, `${bun}.away`);
  const body = await failing(server);
  expect(body.failing).toEqual(['functions']);
  expect(body.errors?.functions).toBe('the runtime bun is not there');
  // What runs already goes on, the rest says what is wrong with it, and other capabilities know nothing of it.
  expect((await call('steady')).status).toBe(200);
  const cold = await call('cold');
  expect(cold.status).toBe(503);
  expect(Number(cold.headers.get('Retry-After'))).toBeGreaterThan(0);
  expect(await deployed(server, 'late')).toBe(503);
  const report = await doctor(server);
  expect([report.status, rootCauses(report.body)]).toEqual([207, ['functions.bun']]);
  expect(report.body.functions?.checks.find(({ name }) => name === 'bun')?.remedy).toBeTruthy();
  await signUp(server);
  await rename(`${bun}.away`, bun);
  await until('health to be ok', async () => (await health(server)).status === 200 || undefined);
  await until('the function', async () => (await call('cold')).ok || undefined);
  await healthy(server);

  // There, and not what it should be.
  for (const pid of await functionProcesses(server)) process.kill(pid, 'SIGKILL');
  await rename(bun, `${bun}.away`);
  await writeFile(bun, '#!/bin/sh\nexit 3\n', { mode: 0o755 });
  await until('a start that fails', async () => (await call('cold')).status === 503 || undefined);
  expect((await failing(server)).errors).toEqual({ functions: 'the runtime bun does not start' });
  expect(rootCauses((await doctor(server)).body)).toEqual(['functions.bun']);
  await rm(bun);
  await rename(`${bun}.away`, bun);
  // Nobody calls: a load balancer may have turned away.
  await until('health to be ok', async () => (await health(server)).status === 200 || undefined);
  await until('the function', async () => (await call('cold')).ok || undefined);
  await healthy(server);
}, 120_000);

test('a server that starts without it serves everything else, says what is wrong, and functions when it is there', async () => {
  const { main, bun } = await installServer();
  const { directory } = await startServer({ main }).then(async (server) => {
    expect(await server.end('SIGTERM')).toBe(0);
    return server;
  });
  await rename(bun, `${bun}.away`);
  const offline = await runServer(directory, ['doctor', '--json'], {}, main);
  expect([offline.code, rootCauses(JSON.parse(offline.stdout))]).toEqual([1, ['functions.bun']]);
  const server = await startServer({ main, directory, ready: false });
  await until(
    'only functions to fail',
    async () => (await failing(server)).failing?.join() === 'functions' || undefined,
  );
  await signUp(server);
  await rename(`${bun}.away`, bun);
  await until('health to be ok', async () => (await health(server)).status === 200 || undefined);
  await deploy(server, 'later', 'export default () => new Response("ok")');
  expect(await (await fetch(`${server.url}/fn/v1/later`)).text()).toBe('ok');
}, 120_000);

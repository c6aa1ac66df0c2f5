import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { temporaryDirectory } from '@reactor/testing/tools';
import { expect, test } from 'vitest';
import { createFunction, deploy, functionProcesses, pack } from '../support/functions.js';
import { processes, processesOf } from '../support/processes.js';
import { startServer, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';

const ROUNDS = Number(process.env.REACTOR_TEST_KILLS ?? 3);

/** Does it again and again until the server dies. */
async function untilDeath(step: (i: number) => Promise<void>): Promise<void> {
  for (let i = 0; ; i++) {
    try {
      await step(i);
    } catch (error) {
      // What fetch throws when the connection ends.
      if (error instanceof TypeError) return;
      throw error;
    }
  }
}

interface Acknowledged {
  readonly id: string;
  readonly version: number;
  readonly text: string;
  readonly sha256: string;
}

/** Deploys one version after another. */
function deployMany(server: TestServer, name: string, round: number, acknowledged: Acknowledged[]): Promise<void> {
  return untilDeath(async (i) => {
    const text = `${name} ${round}-${i}`;
    const body = await pack({
      'function.json': '{"access":"public"}',
      'index.ts': `export default () => new Response('${text}')`,
      'large.txt': randomBytes(300_000).toString('hex'),
    });
    const answer = await server.admin(`/fn/v1/_admin/functions/${name}/deployments?promote=true`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/gzip' },
      body,
    });
    const { id, version } = (await answer.json()) as Acknowledged;
    if (answer.status !== 201) throw new Error(`deploy: ${answer.status}`);
    acknowledged.push({ id, version, text, sha256: createHash('sha256').update(body).digest('hex') });
  });
}

/** Calls it; an answer may only be the app's, or say that its process was killed. */
function callMany(server: TestServer): Promise<void> {
  return untilDeath(async () => {
    const answer = await fetch(`${server.url}/fn/v1/busy`);
    const text = await answer.text();
    if (answer.status === 200 && text === 'x'.repeat(10_000)) return;
    if (answer.status === 502 && text.includes('"runtime_error"')) return;
    throw new Error(`call: ${answer.status} ${text.slice(0, 200)}`);
  });
}

async function everyProcessEnded(server: TestServer, shims: ReadonlySet<number>): Promise<void> {
  await until('every process to end', async () => {
    const left = await processesOf(server.stateDirectory);
    const orphans = (await processes()).filter(({ pid, command }) => shims.has(pid) && command.includes('shim.mjs'));
    return left.length + orphans.length === 0 || undefined;
  });
}

test(`kill -9 of server and instances under load, ${ROUNDS} times: no orphan, no leftover, deployments whole`, async () => {
  // What is acknowledged is on a disk here.
  const directory = await temporaryDirectory();
  const options = { directory, environment: { REACTOR_TRACING__FILTER: 'warn' } };
  let server = await startServer(options);
  const names = ['left', 'right'];
  for (const name of names) await createFunction(server, name);
  await deploy(
    server,
    'busy',
    `export default async () => { await Bun.sleep(5); return new Response('x'.repeat(10_000)) }`,
  );
  const acknowledged: Record<string, Acknowledged[]> = { left: [], right: [] };
  let killed = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const wrong: unknown[] = [];
    const work = [
      ...names.map((name) => deployMany(server, name, round, acknowledged[name] as Acknowledged[])),
      ...Array.from({ length: 6 }, () => callMany(server)),
    ].map((one) => one.catch((error) => wrong.push(error)));
    const shims = new Set<number>();
    const endAt = performance.now() + 1_000 + Math.random() * 1_000;
    await until('the kills', async () => {
      const running = await functionProcesses(server);
      for (const pid of running) shims.add(pid);
      const victim = running[Math.floor(Math.random() * running.length)];
      if (victim !== undefined && (killed <= round || Math.random() < 0.3)) {
        process.kill(victim, 'SIGKILL');
        killed += 1;
      }
      return (performance.now() > endAt && killed > round) || undefined;
    });
    await server.end('SIGKILL');
    await Promise.all(work);
    expect(wrong).toEqual([]);
    await everyProcessEnded(server, shims);
    server = await startServer(options);
  }
  expect(killed).toBeGreaterThan(0);

  for (const name of names) {
    const made = acknowledged[name] as Acknowledged[];
    expect(made.length).toBeGreaterThan(0);
    const { deployments } = (await (
      await server.admin(`/fn/v1/_admin/functions/${name}/deployments?limit=100`)
    ).json()) as { deployments: readonly { id: string; version: number; status: string; bundle_sha256: string }[] };
    // The ten before the current one are kept.
    for (const { id, version, sha256, text } of made.slice(-10)) {
      expect(deployments).toContainEqual(
        expect.objectContaining({ id, version, status: 'ready', bundle_sha256: sha256 }),
      );
      const promoted = await server.admin(`/fn/v1/_admin/functions/${name}/promote`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ deployment_id: id }),
      });
      expect([version, promoted.status]).toEqual([version, 200]);
      expect(await (await fetch(`${server.url}/fn/v1/${name}`)).text()).toBe(text);
    }
  }
  expect(await (await fetch(`${server.url}/fn/v1/busy`)).text()).toBe('x'.repeat(10_000));
  expect(await leftovers(server)).toEqual([]);
  const shims = new Set(await functionProcesses(server));
  expect(shims.size).toBeGreaterThan(0);
  expect(await server.end('SIGTERM')).toBe(0);
  await everyProcessEnded(server, shims);
  expect(await leftovers(server)).toEqual([]);
}, 600_000);

/** Folders in which something was made when the server ended, and sockets that nobody serves. */
async function leftovers(server: TestServer): Promise<string[]> {
  const cache = path.join(server.stateDirectory, 'cache');
  const live = new Set((await functionProcesses(server)).map(String));
  const listen = await readFile('/proc/net/unix', 'utf8');
  const found: string[] = [];
  for (const entry of await readdir(cache, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isSocket() && !(live.size > 0 && listen.includes(file))) found.push(file);
    // Of what is being made, here and as Bun is copied.
    if (entry.name.startsWith('+') || /te?mp/i.test(entry.name)) found.push(file);
  }
  return found;
}

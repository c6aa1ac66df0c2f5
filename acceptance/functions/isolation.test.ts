import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Check, doctor } from '../support/client.js';
import { deploy, functionProcesses, json, setVariable } from '../support/functions.js';
import { asOrdinaryAccount } from '../support/ordinary-account.js';
import { postmasterOf, processes } from '../support/processes.js';
import { startServer, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';

const IS_ROOT = process.getuid?.() === 0;
const server = await startServer();

/** Tries what it is asked to, and says what came of it. */
const SPY = `
import { openSync, readdirSync, readFileSync, readSync, writeFileSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
const attempt = (what: () => unknown) => { try { what(); return 'done'; } catch (error) { return (error as any).code ?? String(error); } };
const attempts: Record<string, (path: string) => unknown> = {
  read: (path) => attempt(() => readFileSync(path)),
  list: (path) => attempt(() => readdirSync(path)),
  write: (path) => attempt(() => writeFileSync(path + '/by-a-function', 'x')),
  remove: (path) => attempt(() => unlinkSync(path)),
  memory: (pid) => attempt(() => {
    const [line = ''] = readFileSync('/proc/' + pid + '/maps', 'utf8').split('\\n');
    readSync(openSync('/proc/' + pid + '/mem', 'r'), Buffer.alloc(8), 0, 8, parseInt(line, 16));
  }),
  kill: (pid) => attempt(() => process.kill(Number(pid), 0)),
  connect: (path) => new Promise((resolve) => {
    const socket = connect(path, () => { socket.destroy(); resolve('done'); });
    socket.on('error', (error: any) => resolve(error.code));
  }),
};
export default async (request: Request) => {
  const asked = await request.json() as [string, string][];
  const found = [];
  for (const [what, target] of asked) found.push(await attempts[what]!(target));
  return Response.json(found);
};`;

type Attempt = readonly [string, string | number];

async function spyOn({ url }: TestServer, ...asked: readonly Attempt[]): Promise<string[]> {
  const answer = await fetch(
    `${url}/fn/v1/spy`,
    json(
      'POST',
      asked.map(([what, target]) => [what, `${target}`]),
    ),
  );
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as string[];
}

const spy = (...asked: readonly Attempt[]) => spyOn(server, ...asked);

async function accountCheck(of: TestServer): Promise<Check | undefined> {
  return (await doctor(of)).body.functions?.checks.find(({ name }) => name === 'account');
}

async function databaseSocket(): Promise<string> {
  const pid = await postmasterOf(server.stateDirectory);
  const command = (await processes()).find((one) => one.pid === pid)?.command ?? '';
  const sockets = [...(await readFile('/proc/net/unix', 'utf8')).matchAll(/ (\/\S*\.s\.PGSQL\.\d+)$/gm)].map(
    ([, at]) => at,
  );
  const own = sockets.find((at) => command.includes(path.dirname(at as string)));
  if (own === undefined) throw new Error(`no socket of ${command} in ${sockets.join(' ')}`);
  return own;
}

test.runIf(IS_ROOT)(
  'where the server is root: a function reads nothing of the server, its state and its database',
  async () => {
    await deploy(server, 'spy', SPY);
    await deploy(server, 'other', 'export default () => new Response("other")');
    await setVariable(server, 'other', 'KEY', 'of-the-other-one');
    await fetch(`${server.url}/fn/v1/other`);
    const state = server.stateDirectory;
    const postmaster = await postmasterOf(state);
    const targets = [
      ['read', `/proc/${server.pid}/environ`],
      ['memory', server.pid],
      ['list', `/proc/${server.pid}/fd`],
      ['kill', server.pid],
      ['read', `/proc/${postmaster}/environ`],
      ['memory', postmaster],
      ['kill', postmaster],
      ['read', path.join(state, 'admin-token')],
      ['read', path.join(state, 'secrets.json')],
      ['list', path.join(state, 'postgres/data')],
      ['list', path.join(state, 'blobs')],
      ['write', state],
      ['write', path.join(state, 'cache')],
      ['connect', await databaseSocket()],
    ] as const;
    const got = await spy(...targets);
    expect(targets.map(([what, target], i) => [what, target, got[i]])).toEqual(
      targets.map(([what, target]) => [what, target, expect.stringMatching(/^(EACCES|EPERM)$/)]),
    );
    expect(await accountCheck(server)).toMatchObject({ status: 'ok' });
  },
);

test.runIf(IS_ROOT)('the socket of another function is out of reach, though its account is the same', async () => {
  await deploy(server, 'spy', SPY);
  await deploy(server, 'other', 'export default () => new Response("other")');
  await fetch(`${server.url}/fn/v1/other`);
  await spy();
  const sockets = [...(await readFile('/proc/net/unix', 'utf8')).matchAll(/ (\/\S*\/\d+-\d+\/s)$/gm)]
    .map(([, at]) => at as string)
    .filter((at) => path.basename(path.dirname(at)).startsWith(`${server.pid}-`));
  expect(sockets.length).toBeGreaterThanOrEqual(2);
  for (const at of sockets) {
    expect([
      at,
      await spy(['connect', at], ['remove', at], ['list', path.dirname(at)], ['write', path.dirname(at)]),
    ]).toEqual([at, ['EACCES', 'EACCES', 'EACCES', 'EACCES']]);
  }
  expect((await functionProcesses(server)).length).toBeGreaterThanOrEqual(2);
});

test('where it is not, a function reads what the server may, and doctor says so', async () => {
  const ordinary = await startServer(await asOrdinaryAccount());
  await deploy(ordinary, 'spy', SPY);
  expect(
    await spyOn(ordinary, ['read', path.join(ordinary.stateDirectory, 'secrets.json')], ['kill', ordinary.pid]),
  ).toEqual(['done', 'done']);
  expect(await accountCheck(ordinary)).toMatchObject({ status: 'warn', code: 'functions_share_account' });
});

test('a handler that never reads what it is sent: the answer arrives, and whatever is asked next is answered', async () => {
  await deploy(server, 'deaf', `export default (request) => new Response('for ' + request.method)`);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const ask = (method: string, size: number) =>
    new Promise<string>((resolve, reject) => {
      const call = request(`${server.url}/fn/v1/deaf`, { method, agent }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        answer.on('end', () => resolve(`${answer.statusCode} ${text}`)).on('error', reject);
      });
      call.on('error', reject).end(Buffer.alloc(size, 120));
    });
  for (let i = 0; i < 10; i++) {
    expect(await ask('POST', 2_000_000)).toBe('200 for POST');
    // On its way to the function it may not be taken for the rest of the body.
    expect(await ask('GET', 0)).toBe('200 for GET');
    // So little is read before it matters: the connection stays.
    expect(await ask('POST', 100)).toBe('200 for POST');
  }
});

test('an answer that comes before the body is sent reaches the client, and the rest of the body hurts nobody', async () => {
  await deploy(server, 'hasty', `export default () => new Response('no, thank you', { status: 403 })`);
  const { port } = new URL(server.url);
  for (const rest of ['all', 'none'] as const) {
    const socket = connect(Number(port), '127.0.0.1');
    let received = '';
    socket.on('error', () => {});
    socket.setEncoding('latin1').on('data', (text) => {
      received += text;
    });
    socket.write('POST /fn/v1/hasty HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nfirst');
    await until('the answer', async () => received.includes('no, thank you') || undefined);
    expect(received).toMatch(/^HTTP\/1\.1 403 /);
    if (rest === 'all') socket.write(Buffer.alloc(999_995));
    socket.destroy();
  }
  expect((await fetch(`${server.url}/fn/v1/hasty`)).status).toBe(403);
});

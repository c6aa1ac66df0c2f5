// Calls of functions through the built server against the same Bun process, asked directly, and against workerd.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeArchive } from '@reactor/archive';
import { startReactor } from './reactor.mjs';
import { median, quantile } from './stats.mjs';

const TURNS = 9;
const CALLS = 500;
const STARTS = 5;
const IDLE = 20;
const BIG_BYTES = 210_000_000;
/** What the server sends beside the request. */
const OURS = { 'x-reactor-call': 'bench 0', 'x-reactor-auth': '{}' };
const WORKERD = fileURLToPath(
  new URL('./peers/node_modules/@cloudflare/workerd-linux-64/bin/workerd', import.meta.url),
);
const FUNCTIONS = {
  hello: `export default () => new Response('ok')`,
  big: `export default async (request) => {
    if (request.method === 'POST') { let n = 0; for await (const chunk of request.body) n += chunk.length; return new Response(String(n)); }
    let left = ${BIG_BYTES / 100_000}; const chunk = new Uint8Array(100_000);
    return new Response(new ReadableStream({ pull(c) { if (left-- > 0) c.enqueue(chunk); else c.close(); } }));
  }`,
  eat: `const kept = [];
    export default async () => { for (;;) { kept.push(new Uint8Array(4_000_000).fill(1)); await Bun.sleep(1); } }`,
};
const SETTINGS = { access: 'public', limits: { timeout_ms: 60_000, max_body_in_mb: 300, max_body_out_mb: 300 } };

const folder = await mkdtemp(join(tmpdir(), 'reactor-bench-'));
await chmod(folder, 0o755);
const children = [];
try {
  const server = await startReactor(folder);
  children.push(server.child);
  const token = (await readFile(join(folder, '.reactor/admin-token'), 'utf8')).trim();
  const admin = (path, body, type = 'application/json') =>
    fetch(`${server.url}/fn/v1/_admin/functions${path}`, {
      method: 'POST',
      body,
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': type },
    });
  const deploy = async (name, code) => {
    await admin('', JSON.stringify({ name }));
    const answer = await admin(`/${name}/deployments?promote=true`, await bundle(code), 'application/gzip');
    if (!answer.ok) throw new Error(await answer.text());
  };
  for (const [name, code] of Object.entries(FUNCTIONS)) await deploy(name, code);

  await warmCalls(server);
  await bigBodies(server);
  await memory(server);
  if (existsSync(WORKERD)) {
    await starts(server, deploy);
    await idle(server, deploy);
  } else console.log('workerd is not installed: npm install --prefix peers --ignore-scripts --no-package-lock');
} finally {
  for (const child of children) child.kill('SIGTERM');
  await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')));
  await rm(folder, { recursive: true, maxRetries: 10, retryDelay: 100 });
}

async function bundle(code) {
  const files = { 'index.js': code, 'function.json': JSON.stringify(SETTINGS) };
  const entries = Object.entries(files).map(([path, text]) => ({
    path,
    size: Buffer.byteLength(text),
    body: new Blob([text]).stream(),
  }));
  const chunks = [];
  for await (const chunk of writeArchive(entries)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The socket of the process that was started last. */
async function newestSocket() {
  const sockets = join(folder, '.reactor/cache/run/sockets');
  const names = await readdir(sockets);
  const newest = join(sockets, names.sort((a, b) => Number(b.split('-')[1]) - Number(a.split('-')[1]))[0]);
  return join(newest, (await readdir(newest))[0]);
}

function ask(target, body) {
  return new Promise((resolve, reject) => {
    const call = request({ ...target, method: body === undefined ? 'GET' : 'POST' }, (answer) => {
      let bytes = 0;
      let text = '';
      answer.on('data', (chunk) => {
        bytes += chunk.length;
        if (bytes < 100) text += chunk;
      });
      answer.on('end', () => (answer.statusCode === 200 ? resolve({ bytes, text }) : reject(new Error(text))));
      answer.on('error', reject);
    });
    call.on('error', reject);
    if (body === undefined) call.end();
    else body(call);
  });
}

/** Both sides of a comparison: through the server, and to the process of the function itself. */
async function sidesOf(server, name) {
  await ask({ port: server.port, path: `/fn/v1/${name}` });
  const agent = () => new Agent({ keepAlive: true });
  const socketPath = await newestSocket();
  return {
    through: { port: server.port, path: `/fn/v1/${name}`, agent: agent() },
    direct: { socketPath, path: '/', headers: OURS, agent: agent() },
  };
}

async function warmCalls(server) {
  const sides = await sidesOf(server, 'hello');
  const turns = { through: [], direct: [] };
  for (let turn = 0; turn <= TURNS; turn++) {
    for (const [side, target] of Object.entries(sides)) {
      const latencies = [];
      for (let i = 0; i < CALLS; i++) {
        const began = performance.now();
        await ask(target);
        latencies.push(performance.now() - began);
      }
      // The first turn warms up.
      if (turn > 0) turns[side].push({ p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) });
    }
  }
  const of = (side, q) => median(turns[side].map((one) => one[q]));
  const added = of('through', 'p50') - of('direct', 'p50');
  const most = 3 * of('direct', 'p99') + 1;
  print('warm call, p50', ms(of('direct', 'p50')), ms(of('through', 'p50')), `+${ms(added)}`, added <= 0.5);
  print(
    'warm call, p99',
    ms(of('direct', 'p99')),
    ms(of('through', 'p99')),
    `≤ ${ms(most)}`,
    of('through', 'p99') <= most,
  );
}

async function bigBodies(server) {
  const sides = await sidesOf(server, 'big');
  const chunk = Buffer.alloc(100_000);
  const upload = async (call) => {
    for (let sent = 0; sent < BIG_BYTES; sent += chunk.length) {
      if (!call.write(chunk)) await once(call, 'drain');
    }
    call.end();
  };
  for (const [title, body] of [
    ['210 MB out', undefined],
    ['210 MB in', upload],
  ]) {
    const rates = { through: [], direct: [] };
    for (let turn = 0; turn < 3; turn++) {
      for (const [side, target] of Object.entries(sides)) {
        const began = performance.now();
        const { bytes, text } = await ask(target, body);
        if ((body === undefined ? bytes : Number(text)) !== BIG_BYTES) throw new Error(`${title}: not whole`);
        rates[side].push(BIG_BYTES / 1e3 / (performance.now() - began));
      }
    }
    const ratio = median(rates.through.map((rate, i) => rate / rates.direct[i]));
    const shown = (side) => `${median(rates[side]).toFixed(0)} MB/s`;
    print(title, shown('direct'), shown('through'), ratio.toFixed(2), ratio >= 0.5);
  }
}

/** How far past its limit a function gets, and how long it lives there. */
async function memory(server) {
  const limit = 256 * 1_048_576;
  let most = 0;
  let over;
  const call = ask({ port: server.port, path: '/fn/v1/eat' }).catch(() => {});
  let isOver = false;
  void call.then(() => {
    isOver = true;
  });
  const pids = new Set();
  while (!isOver) {
    for (const name of await readdir('/proc')) {
      if (!/^\d+$/.test(name) || pids.has(name)) continue;
      const command = await readFile(`/proc/${name}/cmdline`, 'latin1').catch(() => '');
      if (command.includes('shim.mjs') && command.startsWith('/') && command.includes(folder)) pids.add(name);
    }
    for (const pid of pids) {
      const [, pages = '0'] = (await readFile(`/proc/${pid}/statm`, 'latin1').catch(() => '')).split(' ');
      most = Math.max(most, Number(pages) * 4_096);
      if (Number(pages) * 4_096 > limit) over ??= performance.now();
    }
  }
  const lived = over === undefined ? 0 : performance.now() - over;
  const ratio = most / limit;
  print('memory limit of 256 MB', '', `${(most / 1_048_576).toFixed(0)} MB`, ms(lived), lived < 500 && ratio <= 1.5);
}

async function starts(server, deploy) {
  const ours = [];
  const theirs = [];
  for (let i = 0; i < STARTS; i++) {
    await deploy(`start-${i}`, `${FUNCTIONS.hello} // ${i}`);
    const began = performance.now();
    await ask({ port: server.port, path: `/fn/v1/start-${i}` });
    ours.push(performance.now() - began);
    const before = performance.now();
    const { socketPath } = await startWorkerd(`start-${i}`);
    await untilAnswered({ socketPath, path: '/' });
    theirs.push(performance.now() - before);
  }
  const ratio = median(ours) / median(theirs);
  print('start to first answer, workerd', ms(median(theirs)), ms(median(ours)), ratio.toFixed(2), ratio <= 1.5);
}

async function startWorkerd(name) {
  const socketPath = join(folder, `${name}.sock`);
  const config = join(folder, `${name}.capnp`);
  await writeFile(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
     const config :Workerd.Config = (
       services = [(name = "main", worker = (compatibilityDate = "2025-01-01", modules = [(name = "main",
         esModule = "export default { fetch() { return new Response('ok') } }")]))],
       sockets = [(name = "http", address = "unix:${socketPath}", http = (), service = "main")]);`,
  );
  const child = spawn(WORKERD, ['serve', config], { stdio: 'ignore' });
  children.push(child);
  return { child, socketPath };
}

async function untilAnswered(target) {
  for (;;) {
    try {
      return await ask(target);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

async function idle(server, deploy) {
  const before = new Set(await readdir('/proc'));
  for (let i = 0; i < IDLE; i++) {
    await deploy(`idle-${i}`, `${FUNCTIONS.hello} // ${i}`);
    await ask({ port: server.port, path: `/fn/v1/idle-${i}` });
  }
  const ours = await pssOfNew(before, (command) => command.includes('shim.mjs'));
  const workers = [];
  for (let i = 0; i < IDLE; i++) workers.push(await startWorkerd(`idle-${i}`));
  for (const { socketPath } of workers) await untilAnswered({ socketPath, path: '/' });
  const theirs = await pssOfNew(before, (command) => command.startsWith(WORKERD));
  const ratio = ours / theirs;
  const shown = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`;
  print(`${IDLE} idle functions, workerd`, shown(theirs), shown(ours), ratio.toFixed(2), ratio <= 0.5);
}

/** Proportional set size of the processes that came since, with the shells beside them. */
async function pssOfNew(before, isOne) {
  let sum = 0;
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || before.has(pid)) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
    if (!isOne(command.replaceAll('\0', ' '))) continue;
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'latin1').catch(() => '');
    sum += Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) * 1024;
  }
  return sum;
}

function ms(value) {
  return `${value.toFixed(value < 10 ? 2 : 0)} ms`;
}

function print(title, direct, through, result, holds) {
  const columns = [direct, through, result].map((text) => text.padStart(12)).join('');
  console.log(`${title.padEnd(34)}${columns}${holds ? '' : '  over the budget'}`);
}

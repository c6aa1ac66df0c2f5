// Downloads of public objects from the whole server against nginx with the same bytes in files, in turns.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { silentLogger, systemClock } from '@reactor/core';
import { startEmbeddedPostgres } from '@reactor/postgres';
import { load } from './data-load.mjs';
import { cpuOf, startReactor } from './reactor.mjs';
import { freePort } from './server-process.mjs';
import { median, quantile } from './stats.mjs';

const ROUNDS = 9;
/** Until V8 has compiled what is called often. */
const WARM_UP_BYTES = 500_000_000;
const WARM_UP_REQUESTS = 10_000;
const CASES = [
  { title: '1 kB', bytes: 1_024, objects: 64, turn: { connections: 16, durationMs: 1_000 } },
  { title: '64 kB', bytes: 65_536, objects: 64, turn: { connections: 16, durationMs: 1_000 } },
  { title: '10 MB', bytes: 10_000_000, objects: 4, turn: { connections: 4, durationMs: 1_000 } },
];

if (spawnSync('nginx', ['-v']).error !== undefined) {
  console.error('There is no nginx on the PATH. Install it (Debian: apt-get install nginx-light) and run this again.');
  process.exit(1);
}
// The database driver would read where to connect from these.
for (const name of Object.keys(process.env)) if (/^PG[A-Z]/.test(name)) delete process.env[name];
const state = await mkdtemp(join(tmpdir(), 'reactor-bench-'));
const postgres = await startEmbeddedPostgres({ stateDirectory: state, logger: silentLogger, clock: systemClock });
const children = [];
try {
  const started = (child) => children.push(child);
  mkdirSync(`${state}/reactor`);
  const database = `[database]\nurl = ${JSON.stringify(postgres.connectionString)}`;
  writeFileSync(`${state}/reactor/Reactor.toml`, `[project]\nenv = "dev"\n${database}\n[auth]\n[data]\n[storage]\n`);
  const reactor = await startReactor(`${state}/reactor`);
  started(reactor.child);
  const nginx = await startNginx(`${state}/nginx`, started);
  const upload = await uploader(reactor.port, `${state}/reactor/.reactor/admin-token`);
  const sides = [
    { name: 'nginx', ...nginx, pathOf: (name) => `/${name}` },
    { name: 'reactor', ...reactor, pathOf: (name) => `/storage/v1/object/bench/${name}` },
  ];
  console.log('object    server     requests/s   p50 ms   p99 ms   CPU µs   rate ÷ nginx   CPU nginx ÷');
  for (const each of CASES) {
    const names = Array.from({ length: each.objects }, (_, i) => `${each.bytes}-${i}`);
    for (const name of names) {
      const bytes = randomBytes(each.bytes);
      writeFileSync(`${state}/nginx/files/${name}`, bytes);
      await upload(name, bytes);
      for (const side of sides) await verify(side, name, bytes);
    }
    print(each, await compare(sides, names, each));
  }
} finally {
  for (const child of children) child.kill();
  await postgres.stop(AbortSignal.timeout(10_000));
  await rm(state, { recursive: true });
}

/** One process, as the server is one, with an access log, as the server has one. */
async function startNginx(folder, started) {
  const port = await freePort();
  mkdirSync(`${folder}/files`, { recursive: true });
  const configuration = `
    daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
    events { worker_connections 256; }
    http {
      access_log ${folder}/access.log; sendfile on; tcp_nopush on; keepalive_requests 1000000;
      ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
      server { listen 127.0.0.1:${port}; root ${folder}/files; }
    }`;
  writeFileSync(`${folder}/nginx.conf`, configuration);
  const child = spawn('nginx', ['-p', folder, '-c', `${folder}/nginx.conf`], { stdio: 'ignore' });
  started(child);
  const answers = async () =>
    fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
  while (!(await answers())) {
    if (child.exitCode !== null) throw new Error(`nginx ended: ${readFileSync(`${folder}/error.log`, 'utf8')}`);
    await delay(50);
  }
  return { port, pid: child.pid };
}

async function uploader(port, tokenFile) {
  const headers = { Authorization: `Bearer ${readFileSync(tokenFile, 'utf8').trim()}` };
  const send = async (method, path, body, type) => {
    const answer = await fetch(`http://127.0.0.1:${port}/storage/v1${path}`, {
      method,
      body,
      headers: { ...headers, 'Content-Type': type },
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  };
  await send('POST', '/buckets', JSON.stringify({ slug: 'bench', is_public: true }), 'application/json');
  return (name, bytes) => send('PUT', `/object/bench/${name}`, bytes, 'application/octet-stream');
}

/** @throws Error unless the answer has these bytes */
async function verify({ port, pathOf }, name, bytes) {
  const answer = await fetch(`http://127.0.0.1:${port}${pathOf(name)}`);
  if (!Buffer.from(await answer.arrayBuffer()).equals(bytes)) throw new Error(`${pathOf(name)} has other bytes`);
}

/** Both in turns, so that what else the machine does hits both. */
async function compare(servers, names, { bytes, turn }) {
  const sides = servers.map((server) => ({
    ...server,
    requests: names.map((name) => Buffer.from(`GET ${server.pathOf(name)} HTTP/1.1\r\nHost: localhost\r\n\r\n`)),
    rates: [],
    cpu: [],
    latencies: [],
  }));
  for (const side of sides) {
    let left = Math.min(WARM_UP_REQUESTS, WARM_UP_BYTES / bytes);
    while (left > 0) left -= (await load(side.port, side.requests, turn)).latencies.length;
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const side of sides) {
      const before = await cpuOf(side.pid);
      const { rate, latencies } = await load(side.port, side.requests, turn);
      const cpu = ((await cpuOf(side.pid)).total - before.total) / latencies.length;
      side.cpu.push(cpu);
      side.rates.push(rate);
      side.latencies.push(...latencies);
    }
  }
  return sides;
}

function print({ title }, sides) {
  const [nginx] = sides;
  for (const { name, rates, cpu, latencies } of sides) {
    const cells = [
      median(rates).toFixed(0).padStart(10),
      quantile(latencies, 0.5).toFixed(2).padStart(8),
      quantile(latencies, 0.99).toFixed(2).padStart(8),
      median(cpu).toFixed(0).padStart(8),
      median(rates.map((rate, i) => rate / nginx.rates[i]))
        .toFixed(2)
        .padStart(14),
      median(cpu.map((used, i) => nginx.cpu[i] / used))
        .toFixed(2)
        .padStart(13),
    ];
    console.log(`${title.padEnd(9)} ${name.padEnd(10)} ${cells.join(' ')}`);
  }
}

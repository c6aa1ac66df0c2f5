// Rows, pages and inserts of the whole server against Fastify, PostGraphile and Parse Server on one PostgreSQL, in turns.
import { deepStrictEqual } from 'node:assert';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock } from '@reactor/core';
import { startEmbeddedPostgres } from '@reactor/postgres';
import { load } from './data-load.mjs';
import { bytesOf, NOTE, PAGE, ROWS } from './peers-cases.mjs';
import { startPeers } from './peers-servers.mjs';
import { cpuOf } from './reactor.mjs';
import { median, quantile } from './stats.mjs';

const ROUNDS = 7;
const TURN = { connections: 16, durationMs: 500 };
/** Until V8 has compiled what is called often. */
const WARM_UP_REQUESTS = 5_000;
/** Requests that differ in their key, as many as keep one from being answered twice in a row. */
const VARIANTS = 997;
const CASES = [
  { title: 'one row by its key', what: 'row' },
  { title: `page of ${PAGE} rows`, what: 'page' },
  { title: 'insert of one row, which comes back', what: 'insert' },
];

if (Number.parseInt(process.versions.node, 10) < 22) {
  refuse(`PostGraphile 5 needs Node.js 22, and this is ${process.versions.node}. Run: npx node@24 peers.mjs`);
}
if (!existsSync(new URL('peers/node_modules', import.meta.url))) {
  refuse('The peers are not installed. Run: npm install --prefix peers --ignore-scripts --no-package-lock');
}
// The plain driver would read where to connect from these.
for (const name of Object.keys(process.env)) if (/^PG[A-Z]/.test(name)) delete process.env[name];
const state = await mkdtemp(join(tmpdir(), 'reactor-bench-'));
const postgres = await startEmbeddedPostgres({ stateDirectory: state, logger: silentLogger, clock: systemClock });
const children = [];
try {
  const url = (name) => postgres.connectionString.replace(/\/postgres\?/, `/${name}?`);
  const servers = await startPeers(url, state, (child) => children.push(child));
  for (const server of servers) await verify(server);
  console.log(
    `${servers.map(({ name }) => `${name} ${versionOf(name)}`).join(', ')}; Node.js ${process.versions.node}`,
  );
  for (const { title, what } of CASES) print(title, await compare(servers, what));
  // What was measured must have been answers, not errors with status 200.
  for (const server of servers) await verify(server);
} finally {
  for (const child of children) child.kill();
  await postgres.stop(AbortSignal.timeout(10_000));
  await rm(state, { recursive: true });
}

function refuse(reason) {
  console.error(reason);
  process.exit(1);
}

/** Each answer has the very rows. @throws AssertionError that shows the difference */
async function verify({ port, dialect, userId, idOf, stored }) {
  const ask = async (request) => {
    const answer = await fetch(`http://127.0.0.1:${port}${request.path}`, request);
    const rows = dialect.rowsOf(await answer.json());
    return rows.map((row) => row.with(-1, Date.parse(row.at(-1))));
  };
  const expected = (n) => {
    const createdAt = Date.parse('2025-01-01T00:00:00.125Z') + n * 60_000;
    return [idOf(n), userId, `Write chapter ${n}`, n % 3 === 0, n % 5, createdAt];
  };
  for (const n of [1, 42, ROWS]) deepStrictEqual(await ask(dialect.row(n)), [expected(n)]);
  const page = Array.from({ length: PAGE }, (_, i) => expected(4_242 + 1 + i));
  deepStrictEqual(await ask(dialect.page(4_242)), page);

  const [answered] = await ask(dialect.insert());
  const { id, owner, title, done, priority, created_at } = await stored(answered[0]);
  const row = [id, owner, title, done, priority, created_at.getTime()];
  deepStrictEqual(row.slice(1, -1), [userId, NOTE.title, false, NOTE.priority]);
  // Parse Server answers with what the client does not know yet.
  answered.forEach((value, i) => {
    if (value !== undefined) deepStrictEqual(value, row[i]);
  });
}

/** All servers in turns, so that what else the machine does hits each. */
async function compare(servers, what) {
  const sides = [];
  for (const { name, port, pid, dialect } of servers) {
    // A prime step spreads the keys over the table.
    const keys = Array.from({ length: VARIANTS }, (_, i) => 1 + ((i * 104_729) % (ROWS - PAGE)));
    const requests = keys.map((key) => bytesOf(dialect[what](key)));
    let answered = 0;
    while (answered < WARM_UP_REQUESTS) answered += (await load(port, requests, TURN)).latencies.length;
    sides.push({ name, port, pid, requests, rates: [], cpu: [], latencies: [] });
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const side of sides) {
      const before = await cpuOf(side.pid);
      const { rate, latencies } = await load(side.port, side.requests, TURN);
      side.cpu.push(((await cpuOf(side.pid)).total - before.total) / latencies.length);
      side.rates.push(rate);
      side.latencies.push(...latencies);
    }
  }
  return sides;
}

function print(title, sides) {
  const [reactor] = sides;
  console.log(`\n${title.padEnd(38)}requests/s   p50 ms   p99 ms   CPU µs   CPU ÷ Reactor's`);
  for (const { name, rates, cpu, latencies } of sides) {
    const ratio = median(cpu.map((used, i) => used / reactor.cpu[i]));
    const cells = [
      median(rates).toFixed(0).padStart(10),
      quantile(latencies, 0.5).toFixed(2).padStart(8),
      quantile(latencies, 0.99).toFixed(2).padStart(8),
      median(cpu).toFixed(0).padStart(8),
      ratio.toFixed(2).padStart(17),
    ];
    console.log(`  ${name.padEnd(36)}${cells.join(' ')}`);
  }
}

function versionOf(name) {
  const folder = name === 'reactor' ? '../apps/reactor-server' : `peers/node_modules/${name}`;
  return JSON.parse(readFileSync(new URL(`${folder}/package.json`, import.meta.url), 'utf8')).version;
}

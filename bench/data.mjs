// Throughput of /data/v1 against a bare Hono app that runs the same SQL through a plain pg pool, in turns.
import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { silentLogger, systemClock } from '@reactor/core';
import { startEmbeddedPostgres } from '@reactor/postgres';
import { requestsOf } from './data-cases.mjs';
import { load } from './data-load.mjs';
import { createDatabase, LARGE_TABLE_ROWS } from './data-schema.mjs';
import { issueTokens } from './data-tokens.mjs';
import { median } from './stats.mjs';

const ROUNDS = 9;
const TURN_MS = 500;
/** Until V8 has compiled what is called often; before, both servers are several times slower. */
const WARM_UP_REQUESTS = 10_000;
const BUDGET = 0.6;

const LARGE = LARGE_TABLE_ROWS.toLocaleString('en');
const CASES = [
  { title: 'one row by primary key', what: 'row', connections: 16, token: 'lookup' },
  { title: 'page of 100 rows', what: 'page', connections: 16, token: 'lookup' },
  { title: 'insert of one row, which comes back', what: 'insert', connections: 16, token: 'lookup' },
  { title: '20 parents with 5 children each', what: 'embed', connections: 16, token: 'lookup' },
  { title: `one row of ${LARGE} by primary key`, what: 'large', connections: 16, token: 'lookup' },
  { title: '  the same, one request at a time', what: 'large', connections: 1, token: 'lookup' },
  { title: 'one row by primary key, ES256 token', what: 'row', connections: 16, token: 'ES256' },
];

const folder = await mkdtemp(join(tmpdir(), 'reactor-bench-'));
const postgres = await startEmbeddedPostgres({ stateDirectory: folder, logger: silentLogger, clock: systemClock });
const servers = [];
try {
  await createDatabase(postgres.connectionString);
  const tokens = await issueTokens();
  for (const name of ['bare', 'data']) servers.push(await start(name, postgres.connectionString, tokens));

  printHeader();
  for (const each of CASES) print(each, await compare(each, tokens[each.token]));
} finally {
  for (const { child } of servers) child.kill();
  await postgres.stop(AbortSignal.timeout(10_000));
  await rm(folder, { recursive: true });
}

function start(name, connectionString, tokens) {
  const child = fork(fileURLToPath(new URL('data-servers.mjs', import.meta.url)));
  child.send({ name, connectionString, tokens });
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the ${name} server ended with code ${code}`)));
    child.once('message', (port) => resolve({ name, child, port }));
  });
}

/** Both servers in turns, so that what else the machine does hits both. */
async function compare({ what, connections }, token) {
  const turn = { connections, durationMs: TURN_MS };
  const sides = {};
  for (const { name, port } of servers) {
    const requests = requestsOf(name, what, token);
    sides[name] = { port, requests, rates: [], latencies: [] };
    let answered = 0;
    while (answered < WARM_UP_REQUESTS) answered += (await load(port, requests, turn)).latencies.length;
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const side of Object.values(sides)) {
      const { rate, latencies } = await load(side.port, side.requests, turn);
      side.rates.push(rate);
      side.latencies.push(...latencies);
    }
  }
  return sides;
}

function printHeader() {
  const ms = ['bare p50', 'data p50', 'bare p99', 'data p99'].map((text) => `${text} ms`.padStart(12)).join('');
  console.log(`${'request'.padEnd(42)}${'bare/s'.padStart(9)}${'data/s'.padStart(9)}${'ratio'.padStart(7)}${ms}`);
}

function print({ title }, { bare, data }) {
  const ratio = median(data.rates.map((rate, i) => rate / bare.rates[i]));
  const rates = [bare, data].map(({ rates }) => median(rates).toFixed(0).padStart(9)).join('');
  const quantiles = [0.5, 0.99].flatMap((q) => [bare, data].map(({ latencies }) => quantile(latencies, q)));
  const ms = quantiles.map((value) => value.toFixed(2).padStart(12)).join('');
  const verdict = ratio < BUDGET ? `  below the budget of ${BUDGET}` : '';
  console.log(`${title.padEnd(42)}${rates}${ratio.toFixed(2).padStart(7)}${ms}${verdict}`);
}

function quantile(values, q) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
}

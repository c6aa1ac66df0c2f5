// Throughput of /data/v1 against a bare Hono app that runs the same SQL through a plain pg pool, in turns; with
// `--against <commit>` against the /data/v1 of that commit.
import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { silentLogger, systemClock } from '@reactor/core';
import { startEmbeddedPostgres } from '@reactor/postgres';
import { Client } from 'pg';
import { buildBefore } from './data-before.mjs';
import { requestsOf } from './data-cases.mjs';
import { load } from './data-load.mjs';
import { LARGE_TABLE_ROWS } from './data-schema.mjs';
import { issueTokens } from './data-tokens.mjs';
import { median, quantile } from './stats.mjs';

const ROUNDS = 9;
const TURN_MS = 500;
/** Until V8 has compiled what is called often; before, both servers are several times slower. */
const WARM_UP_REQUESTS = 10_000;

const { against } = parseArgs({ options: { against: { type: 'string' } } }).values;
const HERE = new URL('./', import.meta.url);
/** Each with the bench folder that its server and its tables come from; the second is held against the first. */
const SIDES =
  against === undefined
    ? [
        { name: 'bare', server: 'bare', folder: HERE },
        { name: 'data', server: 'data', folder: HERE },
      ]
    : [
        { name: 'before', server: 'data', folder: buildBefore(against) },
        { name: 'this', server: 'data', folder: HERE },
      ];
const BUDGET = against === undefined ? 0.6 : 0.95;

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

// The plain driver would read where to connect from these.
for (const name of Object.keys(process.env)) if (/^PG[A-Z]/.test(name)) delete process.env[name];
const state = await mkdtemp(join(tmpdir(), 'reactor-bench-'));
const postgres = await startEmbeddedPostgres({ stateDirectory: state, logger: silentLogger, clock: systemClock });
const servers = [];
try {
  const databases = await createDatabases(postgres.connectionString);
  const tokens = await issueTokens();
  for (const side of SIDES) servers.push(await start(side, databases.get(side.folder), tokens));

  printHeader();
  for (const each of CASES) print(each, await compare(each, tokens[each.token]));
} finally {
  for (const { child } of servers) child.kill();
  await postgres.stop(AbortSignal.timeout(10_000));
  await rm(state, { recursive: true });
}

/** A database for each folder, made by its own code, as what it migrates belongs to it. @returns URLs by folder */
async function createDatabases(connectionString) {
  const databases = new Map();
  for (const { folder } of SIDES) {
    if (databases.has(folder)) continue;
    const name = `bench_${databases.size}`;
    const client = new Client({ connectionString });
    await client.connect();
    await client.query(`CREATE DATABASE ${name}`);
    await client.end();
    const url = connectionString.replace(/\/postgres\?/, `/${name}?`);
    const { createDatabase } = await import(new URL('data-schema.mjs', folder));
    await createDatabase(url);
    databases.set(folder, url);
  }
  return databases;
}

function start({ name, server, folder }, connectionString, tokens) {
  const child = fork(fileURLToPath(new URL('data-servers.mjs', folder)));
  child.send({ name: server, connectionString, tokens });
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the ${name} server ended with code ${code}`)));
    child.once('message', (port) => resolve({ server, child, port }));
  });
}

/** Both servers in turns, so that what else the machine does hits both. @returns their sides, as in SIDES */
async function compare({ what, connections }, token) {
  const turn = { connections, durationMs: TURN_MS };
  const sides = [];
  for (const { server, port } of servers) {
    const requests = requestsOf(server, what, token);
    sides.push({ port, requests, rates: [], latencies: [] });
    let answered = 0;
    while (answered < WARM_UP_REQUESTS) answered += (await load(port, requests, turn)).latencies.length;
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const side of sides) {
      const { rate, latencies } = await load(side.port, side.requests, turn);
      side.rates.push(rate);
      side.latencies.push(...latencies);
    }
  }
  return sides;
}

function printHeader() {
  const names = SIDES.map(({ name }) => name);
  const rates = names.map((name) => `${name}/s`.padStart(9)).join('');
  const ms = ['p50', 'p99'].flatMap((quantile) => names.map((name) => `${name} ${quantile} ms`.padStart(14))).join('');
  console.log(`${'request'.padEnd(42)}${rates}${'ratio'.padStart(7)}${ms}`);
}

function print({ title }, sides) {
  const [before, subject] = sides.map(({ rates }) => rates);
  const ratio = median(subject.map((rate, i) => rate / before[i]));
  const rates = sides.map((side) => median(side.rates).toFixed(0).padStart(9)).join('');
  const quantiles = [0.5, 0.99].flatMap((q) => sides.map(({ latencies }) => quantile(latencies, q)));
  const ms = quantiles.map((value) => value.toFixed(2).padStart(14)).join('');
  const verdict = ratio < BUDGET ? `  below the budget of ${BUDGET}` : '';
  console.log(`${title.padEnd(42)}${rates}${ratio.toFixed(2).padStart(7)}${ms}${verdict}`);
}

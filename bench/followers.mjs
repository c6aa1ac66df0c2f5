// What readers of the log stream cost everybody else: p99 of /livez with 200 followers and without, at 500 lines a
// second, on the built server as it runs. Followers and prober have processes of their own.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cpuOf, startReactor } from './reactor.mjs';
import { median, report } from './stats.mjs';

const FOLLOWERS = 200;
const LINES_A_SECOND = 500;
const PROBES_A_SECOND = 250;
const TURN_MS = 4000;
const TURNS = 7;
const [role, ...given] = process.argv.slice(2);

if (role === undefined) await measure();
else await { followers: follow, prober: probe }[role](...given);

async function measure() {
  const folder = await mkdtemp(join(tmpdir(), 'reactor-bench-'));
  // PostgreSQL runs as another user when this is root, and has to get through.
  await chmod(folder, 0o755);
  const { child, pid, port } = await startReactor(folder);
  const server = { port, token: (await readFile(join(folder, '.reactor/admin-token'), 'utf8')).trim() };
  const followers = helper('followers', server);
  const prober = helper('prober', server);
  const producer = produce(server);
  try {
    const turns = { without: [], with: [] };
    let lines = 0;
    let received = 0;
    for (let turn = -1; turn < TURNS; turn++) {
      for (const name of Object.keys(turns)) {
        if (name === 'with') await followers.ask('connect');
        const [cpu, written] = [await cpuOf(pid), producer.written()];
        const latencies = await prober.ask(TURN_MS);
        const used = ((await cpuOf(pid)).total - cpu.total) / TURN_MS / 1000;
        const rate = ((producer.written() - written) * 1000) / TURN_MS;
        if (name === 'with') {
          const read = await followers.ask('leave');
          if (turn >= 0) {
            received += read.received;
            lines += read.expected;
          }
        }
        if (turn >= 0) turns[name].push({ ...latencies, used, rate });
      }
    }
    const of = (name, what) => median(turns[name].map((turn) => turn[what]));
    const ratios = turns.with.map((turn, i) => turn.p99 / turns.without[i].p99);
    report([
      ['lines written a second, median', of('with', 'rate').toFixed(0)],
      ['lines that followers got, of those written', `${((100 * received) / lines).toFixed(3)} %`],
      ['server CPU without followers, median', `${(of('without', 'used') * 100).toFixed(0)} % of a core`],
      ['server CPU with followers, median', `${(of('with', 'used') * 100).toFixed(0)} % of a core`],
      [
        'p50 of /livez without and with, median ms',
        `${of('without', 'p50').toFixed(2)} ${of('with', 'p50').toFixed(2)}`,
      ],
      [
        'p99 of /livez without and with, median ms',
        `${of('without', 'p99').toFixed(2)} ${of('with', 'p99').toFixed(2)}`,
      ],
      ['ratio of p99, median of turns (budget 1.5)', median(ratios).toFixed(2)],
    ]);
  } finally {
    producer.stop();
    followers.child.kill();
    prober.child.kill();
    child.kill('SIGTERM');
    await once(child, 'close');
    await rm(folder, { recursive: true });
  }
}

function helper(name, { port, token }) {
  const child = fork(fileURLToPath(import.meta.url), [name, String(port), token]);
  return {
    child,
    async ask(message) {
      child.send(message);
      return (await once(child, 'message'))[0];
    },
  };
}

/** Requests at a fixed pace, each of which writes an access line. */
function produce({ port, token }) {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  let written = 0;
  let stopped = false;
  const started = performance.now();
  let asked = 0;
  const timer = setInterval(() => {
    for (const due = ((performance.now() - started) / 1000) * LINES_A_SECOND; asked < due; asked++) {
      const request = {
        agent,
        port,
        host: '127.0.0.1',
        path: '/_admin/version',
        headers: { authorization: `Bearer ${token}` },
      };
      get(request, (response) => {
        written++;
        response.resume();
      }).on('error', (error) => {
        if (!stopped) throw error;
      });
    }
  }, 4);
  return {
    written: () => written,
    stop() {
      stopped = true;
      clearInterval(timer);
      agent.destroy();
    },
  };
}

async function follow(port, token) {
  // Readers run on machines of their own; here they are not to take the core of who measures.
  setPriority(19);
  let open = [];
  process.on('message', async (message) => {
    if (message === 'connect') {
      open = await Promise.all(Array.from({ length: FOLLOWERS }, () => follower(port, token)));
      process.send('open');
    } else {
      for (const { socket } of open) socket.destroy();
      const received = open.reduce((sum, { events }) => sum + events, 0);
      const expected = open.reduce((sum, { first, last }) => sum + last - first + 1, 0);
      process.send({ received, expected });
    }
  });
}

/** Counts the events of a stream; its first and last id say how many there were to get. */
async function follower(port, token) {
  const socket = connect(Number(port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write(`GET /_admin/logs?follow=1&limit=1 HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  const state = { socket, events: 0, first: 0, last: 0 };
  let rest = '';
  socket.on('data', (data) => {
    const text = rest + data.toString('latin1');
    const end = text.lastIndexOf('\n\n');
    for (let at = text.indexOf('\nid: '); at !== -1 && at < end; at = text.indexOf('\nid: ', at + 5)) {
      state.last = Number(text.slice(text.indexOf('-', at) + 1, text.indexOf('\n', at + 5)));
      if (state.events++ === 0) state.first = state.last;
    }
    rest = text.slice(end === -1 ? 0 : end);
  });
  await once(socket, 'data');
  return state;
}

/** Asks at a fixed pace, whatever the answers do, and tells how long they took. */
async function probe(port) {
  const agent = new Agent({ keepAlive: true });
  process.on('message', async (turnMs) => {
    const latencies = [];
    const started = performance.now();
    let asked = 0;
    const total = (turnMs / 1000) * PROBES_A_SECOND;
    await new Promise((resolve) => {
      const timer = setInterval(() => {
        const due = Math.min(total, ((performance.now() - started) / 1000) * PROBES_A_SECOND);
        for (; asked < due; asked++) {
          const sent = performance.now();
          get({ agent, port, host: '127.0.0.1', path: '/livez' }, (response) => {
            response.resume();
            response.on('end', () => {
              latencies.push(performance.now() - sent);
              if (latencies.length === total) resolve();
            });
          });
        }
        if (asked === total) clearInterval(timer);
      }, 2);
    });
    latencies.sort((a, b) => a - b);
    process.send({ p50: latencies[total >> 1], p99: latencies[Math.floor(total * 0.99)] });
  });
}

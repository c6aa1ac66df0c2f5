// CPU per request of an app with everything on against the same app with nothing, each in a process of its own.
import { fork } from 'node:child_process';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, report } from './stats.mjs';

const CONNECTIONS = 16;
const REQUESTS = 20_000;
const ROUNDS = 9;
const mode = process.argv[2];

if (mode === undefined) await measure();
else await serve(mode);

async function measure() {
  const folder = mkdtempSync(join(tmpdir(), 'reactor-bench-'));
  const servers = await Promise.all(['bare', 'full'].map((name) => start(name, folder)));
  try {
    const cpu = { bare: [], full: [] };
    for (let round = -2; round < ROUNDS; round++) {
      for (const server of servers) {
        const before = await server.cpu();
        await load(server.port);
        const used = (await server.cpu()) - before;
        if (round >= 0) cpu[server.name].push(used / REQUESTS);
      }
    }
    const ratios = cpu.full.map((full, i) => full / cpu.bare[i]);
    report([
      ['nothing on, median µs of CPU per request', median(cpu.bare).toFixed(1)],
      ['everything on, median µs of CPU per request', median(cpu.full).toFixed(1)],
      ['ratio, median of rounds (budget 1.25, goal 1.10)', median(ratios).toFixed(2)],
    ]);
  } finally {
    for (const { child } of servers) child.kill();
    rmSync(folder, { recursive: true });
  }
}

function start(name, folder) {
  const child = fork(fileURLToPath(import.meta.url), [name, folder]);
  return new Promise((resolve) => {
    child.once('message', (port) => {
      const cpu = () =>
        new Promise((answer) => {
          child.once('message', answer);
          child.send('cpu');
        });
      resolve({ name, child, port, cpu });
    });
  });
}

/** Keep-alive connections, one request at a time on each; responses of one server have one length. */
async function load(port) {
  const request =
    'GET /jobs/v1/runs/7?verbose=1 HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n';
  let left = REQUESTS;
  const connection = () =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      let expected = 0;
      let received = 0;
      const next = () => {
        if (left-- > 0) socket.write(request);
        else socket.end(resolve);
      };
      socket.setNoDelay(true);
      socket.on('error', reject);
      socket.on('connect', next);
      socket.on('data', (data) => {
        if (expected === 0) {
          const text = data.toString('latin1');
          expected = text.indexOf('\r\n\r\n') + 4 + Number(/content-length: (\d+)/i.exec(text)[1]);
        }
        received += data.length;
        if (received >= expected) {
          received -= expected;
          next();
        }
      });
    });
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
}

async function serve(name) {
  const { createAdaptorServer } = await import('@hono/node-server');
  const { Hono } = await import('hono');
  const app = new Hono();
  if (name === 'full') await observe(app);
  app.get('/jobs/v1/runs/:id', (c) => c.json({ id: c.req.param('id'), status: 'succeeded' }));
  const server = createAdaptorServer({ fetch: app.fetch });
  server.listen(0, '127.0.0.1', () => process.send(server.address().port));
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send(user + system);
  });
}

async function observe(app) {
  const { systemClock } = await import('@reactor/core');
  const engine = await import('@reactor/observability');
  const destination = openSync(join(process.argv[3], 'access.log'), 'a');
  const logging = engine.createLogging({ filter: 'info', fmt: 'json', destination, clock: systemClock });
  const context = { clock: systemClock, logger: logging.logger('reactor_server') };
  const metrics = engine.createMetrics(context);
  const http = engine.instrumentHttp(context);
  metrics.contribute('http', http.metrics);
  metrics.contribute('node', engine.nodeMetrics());
  app.use(engine.requestContext({ ...context, peerOf: (c) => c.env.incoming.socket.remoteAddress }));
  app.use(engine.assignCapability([{ name: 'jobs', basePath: '/jobs/v1' }]));
  app.use(http.middleware);
  app.onError(engine.errorHandler);
  app.notFound(engine.notFound(app));
}

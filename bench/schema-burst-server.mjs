// The server that schema-burst.mjs measures, in a process of its own.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAdaptorServer } from '@hono/node-server';
import { silentLogger, systemClock } from '@reactor/core';
import { createData, parseDataConfig } from '@reactor/data';
import { createMetrics } from '@reactor/observability';
import { openDatabase } from '@reactor/postgres';
import { Hono } from 'hono';

const RESOLUTION_MS = 1;

// Killed, the parent cannot stop its children.
process.once('disconnect', () => process.exit());

const context = { logger: silentLogger, clock: systemClock };
const database = openDatabase({ ...context, connectionString: process.argv[2], poolMax: 10 });
const tokens = { verify: async () => undefined };
const data = createData(parseDataConfig({}), { ...context, database, tokens });
const metrics = createMetrics(context);
metrics.contribute('data', data.metrics);
await data.start();
const server = createAdaptorServer({ fetch: new Hono().get('/livez', (c) => c.text('ok')).fetch });
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();

let readings = 0;
const answers = {
  async begin() {
    readings = await readingsSoFar();
    delay.reset();
    return true;
  },
  async end() {
    const blockMs = delay.max / 1e6 - RESOLUTION_MS;
    return { blockMs, readings: (await readingsSoFar()) - readings };
  },
  /** Milliseconds until there is a schema whose reading began after this question. */
  async found() {
    const began = performance.now();
    for (;;) {
      const ageMs = (await sample('reactor_data_schema_age_seconds')) * 1000;
      const waitedMs = performance.now() - began;
      if (ageMs < waitedMs) return waitedMs;
      await sleep(20);
    }
  },
};

const readingsSoFar = () => sample('reactor_data_schema_reloads_total{result="ok"}');

async function sample(series) {
  const text = await (await metrics.routes.request('/metrics')).text();
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return Number(line?.slice(series.length));
}

process.on('message', async (what) => process.send(await answers[what]()));
server.listen(0, '127.0.0.1', () => process.send(server.address().port));

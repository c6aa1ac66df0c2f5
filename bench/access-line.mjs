// CPU per access line to a file, formatted by hand against the same fields through the logger.
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, uuidv7 } from '@reactor/core';
import { createAccessLog, createLogging } from '@reactor/observability';
import { median, report } from './stats.mjs';

const LINES = 100_000;
/** Lines of one turn of the event loop go out in one write. */
const LINES_A_TURN = 8;
const ROUNDS = 9;

const folder = mkdtempSync(join(tmpdir(), 'reactor-bench-'));
const destination = openSync(join(folder, 'access.log'), 'a');
const logging = createLogging({ filter: 'info', fmt: 'json', destination, clock: systemClock });
const logger = logging.logger('reactor_jobs');
const accessLog = createAccessLog(logger);
const ids = Array.from({ length: 1024 }, () => uuidv7());

const ways = {
  logger: (path, status, durationMs, requestId) =>
    logger.info('request completed', {
      method: 'GET',
      path,
      status,
      duration_ms: Math.round(durationMs * 1000) / 1000,
      request_id: requestId,
    }),
  'access log': (path, status, durationMs, requestId) =>
    accessLog.write('info', { method: 'GET', path, status, durationMs, requestId }),
  nothing: () => {},
};

async function cpuPerLine(write) {
  const before = process.cpuUsage();
  for (let line = 0; line < LINES; ) {
    for (let n = 0; n < LINES_A_TURN; n++, line++) write(`/jobs/v1/runs/${line}`, 200, line / 977, ids[line & 1023]);
    await new Promise(setImmediate);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / LINES;
}

const cpu = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
for (let round = -2; round < ROUNDS; round++) {
  for (const [way, write] of Object.entries(ways)) {
    const used = await cpuPerLine(write);
    if (round >= 0) cpu[way].push(used);
  }
}
const loop = median(cpu.nothing);
const ratios = cpu['access log'].map((used, i) => (used - cpu.nothing[i]) / (cpu.logger[i] - cpu.nothing[i]));
report([
  ['through the logger, median µs of CPU per line', (median(cpu.logger) - loop).toFixed(2)],
  ['by the access log, median µs of CPU per line', (median(cpu['access log']) - loop).toFixed(2)],
  ['ratio, median of rounds', median(ratios).toFixed(2)],
]);
await logging.close();
closeSync(destination);
rmSync(folder, { recursive: true });

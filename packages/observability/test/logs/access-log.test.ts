import { LOG_LEVELS, type Logger } from '@reactor/core';
import { recordingLogger } from '@reactor/testing';
import { describe, expect, test } from 'vitest';
import { type AccessEntry, createAccessFormat } from '../../src/logs/access-log.js';
import { createAccessLog, logRoutes } from '../../src/logs/index.js';
import { CAPABILITIES } from '../capabilities.js';
import { fieldOf, parseSse, START, testLogging } from './fixtures.js';

const ENTRY: AccessEntry = {
  method: 'GET',
  path: '/jobs/v1/runs/7',
  status: 200,
  durationMs: 1.23456,
  requestId: '01890a5d-ac96-774b-bcce-b302099a8057',
};

/** The entry as fields of an ordinary line. */
function logPlainly(logger: Logger, entry: AccessEntry): void {
  const { method, path, status, durationMs, code, requestId, sub, traceId, aborted, fields: own } = entry;
  const fields: Record<string, unknown> = { method, path, status, duration_ms: Math.round(durationMs * 1000) / 1000 };
  if (code !== undefined) fields.code = code;
  fields.request_id = requestId;
  if (sub !== undefined) fields.sub = sub;
  if (traceId !== undefined) fields.trace_id = traceId;
  if (aborted) fields.aborted = true;
  Object.assign(fields, own);
  logger.info('request completed', fields);
}

/** mulberry32: the same numbers for the same seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const PLAIN_PIECES = [...'abcXYZ019/-_.~%&?#+'];
const ODD_PIECES = [
  ...' "\\\'<>:=;,{}[]',
  ...'\u0000\n\r\t\u001f\u007f\u0080',
  ...'äß\u2028\u2029😀',
  '\ud800',
  '\udc00',
  'eyJ',
  'eyJhbGciOiJIUzI1NiJ9.e30.sig',
  'token=abc',
  'bearer Abc123',
  'https://user:secret@host/',
  'x'.repeat(700),
  'y'.repeat(9000),
];

/** Most texts are plain, so that many entries are and many have one odd text, which decides alone. */
function randomEntry(random: (below: number) => number): AccessEntry {
  const piece = (pieces: readonly string[]) => pieces[random(pieces.length)] ?? '';
  const text = (most: number) => {
    const odd = random(6) === 0;
    return Array.from({ length: random(most) }, () => piece(odd && random(3) === 0 ? ODD_PIECES : PLAIN_PIECES)).join(
      '',
    );
  };
  const number = () => [random(1000), random(1e9) / 1e6, -0, 1e21, 1e306, 5e-324, Number.NaN][random(12)] ?? 200;
  return {
    method: random(3) === 0 ? text(6) : 'POST',
    path: `/${text(12)}`,
    status: number(),
    durationMs: number(),
    code: random(2) === 0 ? undefined : text(8),
    requestId: text(10),
    sub: random(2) === 0 ? undefined : text(10),
    traceId: random(2) === 0 ? undefined : text(5),
    aborted: random(3) === 0,
    fields: random(2) === 0 ? undefined : { function: text(8), cold_start: random(2) === 0, queue_ms: number() },
  };
}

describe('an access line', () => {
  test('is what the logger writes for the same fields, whatever they hold', () => {
    const seed = Date.now() | 0;
    const random = randomOf(seed);
    const quick = testLogging({ ringBytes: 64 * 1024 * 1024 });
    const plain = testLogging({ ringBytes: 64 * 1024 * 1024 });
    const access = createAccessLog(quick.logging.logger('reactor_"x"'));
    const logger = plain.logging.logger('reactor_"x"');
    for (let i = 0; i < 2000; i++) {
      quick.clock.time = plain.clock.time = START + random(5);
      const entry = randomEntry(random);
      access.write('info', entry);
      logPlainly(logger, entry);
      const { sequence, line } = newest(quick.logging);
      expect(line, `seed ${seed}, entry ${JSON.stringify(entry)}`).toBe(newest(plain.logging).line);
      expect(sequence).toBe(i + 1);
    }
    expect(quick.output()).toBe(plain.output());
  });

  test('is formatted by hand when it holds nothing unusual', () => {
    const format = createAccessFormat('reactor_jobs');
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const entry = { ...ENTRY, code: 'not_found', sub: ENTRY.requestId, traceId, aborted: true };
    expect(format(START, 'warn', entry)).toBe(
      '{"timestamp":"2026-01-31T12:00:00.000Z","level":"WARN","target":"reactor_jobs",' +
        '"fields":{"message":"request completed","method":"GET","path":"/jobs/v1/runs/7","status":200,' +
        `"duration_ms":1.235,"code":"not_found","request_id":"${ENTRY.requestId}","sub":"${ENTRY.requestId}",` +
        `"trace_id":"${traceId}","aborted":true}}`,
    );
  });

  test('goes by the filter in force', () => {
    const { logging, output } = testLogging({ filter: 'info' });
    const access = createAccessLog(logging.logger('reactor_jobs'));
    expect(LOG_LEVELS.map((level) => access.isEnabled(level))).toEqual([false, false, true, true, true]);
    access.write('debug', ENTRY);
    expect(output()).toBe('');
    logging.setFilter('reactor_jobs=debug');
    access.write('debug', ENTRY);
    expect(JSON.parse(output())).toMatchObject({ level: 'DEBUG', fields: { path: ENTRY.path } });
  });

  test('carries the fields bound to its logger', () => {
    const { logging, output } = testLogging();
    createAccessLog(logging.logger('reactor_jobs').with({ tenant: 't' })).write('info', ENTRY);
    expect(JSON.parse(output()).fields).toMatchObject({ tenant: 't', request_id: ENTRY.requestId });
  });

  test('is pretty where lines are, and JSON in the stream', async () => {
    const { logging, output } = testLogging({ fmt: 'pretty' });
    createAccessLog(logging.logger('reactor_jobs')).write('info', ENTRY);
    expect(output()).toMatch(/ INFO reactor_jobs request completed method=GET path=\/jobs\/v1\/runs\/7 status=200 /);
    expect(JSON.parse(newest(logging).line).fields.path).toBe(ENTRY.path);
  });

  test('of the stream itself does not feed it', async () => {
    const { logging, output } = testLogging();
    const access = createAccessLog(logging.logger('reactor_server'));
    access.write('info', { ...ENTRY, path: '/_admin/logs' });
    access.write('info', { ...ENTRY, path: '/_admin/doctor' });
    const events = await (await logRoutes(logging, { capabilities: CAPABILITIES }).request('/_admin/logs')).text();
    expect(parseSse(events).map((event) => fieldOf(event, 'path'))).toEqual(['/_admin/doctor']);
    expect(output().trim().split('\n')).toHaveLength(2);
  });

  test('goes by way of a logger that is not ours', () => {
    const { logger, lines } = recordingLogger();
    createAccessLog(logger.target('reactor_jobs')).write('warn', { ...ENTRY, sub: 'u' });
    expect(lines).toEqual([
      {
        level: 'warn',
        target: 'reactor_jobs',
        message: 'request completed',
        fields: {
          method: 'GET',
          path: ENTRY.path,
          status: 200,
          duration_ms: 1.235,
          request_id: ENTRY.requestId,
          sub: 'u',
        },
      },
    ]);
  });
});

function newest({ streams: { ring } }: ReturnType<typeof testLogging>['logging']) {
  const record = ring.at(ring.next - 1);
  if (record === undefined) throw new Error('nothing was logged');
  return record;
}

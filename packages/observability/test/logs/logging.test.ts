import { PassThrough, Writable } from 'node:stream';
import { LOG_LEVELS } from '@reactor/core';
import { Registry } from 'prom-client';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createLogging, logRoutes } from '../../src/logs/index.js';
import { CAPABILITIES } from '../capabilities.js';
import { fieldOf, parseSse, testClock, testLogging } from './fixtures.js';

describe('a line', () => {
  test('has timestamp, level, target and fields, in this order', () => {
    const { logging, output } = testLogging();
    logging
      .logger('reactor_data')
      .info('request completed', { method: 'GET', path: '/x', status: 200, duration_ms: 1.5 });
    expect(output()).toBe(
      '{"timestamp":"2026-01-31T12:00:00.000Z","level":"INFO","target":"reactor_data",' +
        '"fields":{"message":"request completed","method":"GET","path":"/x","status":200,"duration_ms":1.5}}\n',
    );
  });

  test('is written at each of the five levels', () => {
    const { logging, output } = testLogging();
    for (const level of LOG_LEVELS) logging.logger('t')[level]('said');
    const levels = output()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).level);
    expect(levels).toEqual(['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR']);
  });

  test('carries the fields bound to its logger, later ones winning', () => {
    const { logging, output } = testLogging();
    const logger = logging.logger('a').with({ request_id: 'r', password: 'p', n: 1 }).with({ n: 2 });
    logger.target('a::b').info('said', { m: 3 });
    logger.info('said', { n: 4 });
    const [first, second] = output()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(first).toMatchObject({
      target: 'a::b',
      fields: { message: 'said', request_id: 'r', password: '[redacted]', n: 2, m: 3 },
    });
    expect(second).toMatchObject({ target: 'a', fields: { n: 4 } });
  });

  test('stays one line and valid JSON whatever is logged', () => {
    const { logging, output } = testLogging();
    const logger = logging.logger('reactor_"x"\n');
    // A field of this shape makes pino take the fields for a request.
    logger.info('request', { method: 'GET', headers: { a: 'b' }, socket: {} });
    logger.info('error-like', { err: { message: 'm', stack: 's', extra: 1 } });
    logger.info('line\nbreak\r\u2028\u001b[31m"quoted"\\', { 'key"\n': 'a\nb\u0000' });
    logger.error('failed', { error: new Error('multi\nline') });
    logger.info('lone \ud800 surrogate', { list: [1n, Symbol('x')] });
    const lines = output().split('\n');
    expect(lines.pop()).toBe('');
    expect(lines).toHaveLength(5);
    const fields = lines.map((line) => JSON.parse(line).fields);
    expect(fields[0]).toEqual({ message: 'request', method: 'GET', headers: { a: 'b' }, socket: {} });
    expect(fields[1]).toEqual({ message: 'error-like', err: { message: 'm', stack: 's', extra: 1 } });
    expect(fields[2]).toEqual({ message: 'line\nbreak\r\u2028\u001b[31m"quoted"\\', 'key"\n': 'a\nb\u0000' });
    expect(fields[3].error.message).toBe('multi\nline');
    expect(fields[4].list).toEqual(['1', 'Symbol(x)']);
  });

  test('comes out whole when a value logs while it is looked at', () => {
    const { logging, output } = testLogging();
    const logger = logging.logger('outer');
    logger.info('outer', {
      get value() {
        logging.logger('inner').info('inner');
        return 1;
      },
    });
    const lines = output()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toMatchObject([
      { target: 'inner', fields: { message: 'inner' } },
      { target: 'outer', fields: { message: 'outer', value: 1 } },
    ]);
  });
});

test('fields are bound once, and looked at when a line needs them', () => {
  const { logging, output } = testLogging({ filter: 'info' });
  let looks = 0;
  const logger = logging.logger('a').with({
    get value() {
      return ++looks;
    },
  });
  logger.debug('no');
  expect(looks).toBe(0);
  logger.info('yes');
  logger.target('b').info('yes');
  logger.with({ n: 1 }).info('yes');
  expect(output().match(/"value":\d/g)).toEqual(['"value":1', '"value":1', '"value":1']);
});

describe('the filter', () => {
  test('applies to loggers, their children and their other targets', () => {
    const { logging, output } = testLogging({ filter: 'info,reactor_a::sql=debug,reactor_b=off' });
    const logger = logging.logger('reactor_a');
    expect([logger.isEnabled('debug'), logger.isEnabled('info')]).toEqual([false, true]);
    expect(logger.target('reactor_a::sql').isEnabled('debug')).toBe(true);
    logger.debug('no');
    logger.with({ a: 1 }).debug('no');
    logger.target('reactor_b').error('no');
    logger.target('reactor_a::sql').debug('yes');
    expect(output().match(/"message":"\w+"/g)).toEqual(['"message":"yes"']);
  });

  test('can be replaced while loggers are in use', () => {
    const { logging, output } = testLogging({ filter: 'info' });
    const child = logging.logger('reactor_a').with({ a: 1 });
    child.debug('before');
    logging.setFilter('reactor_a=debug');
    expect(logging.filter).toBe('reactor_a=debug');
    child.debug('between');
    expect(() => logging.setFilter('reactor_a=loud')).toThrow('"reactor_a=loud"');
    child.debug('still');
    expect(output().match(/"message":"\w+"/g)).toEqual(['"message":"between"', '"message":"still"']);
  });

  test('does not look at the fields of a line it refuses', () => {
    const { logging } = testLogging({ filter: 'info' });
    let looked = false;
    logging.logger('a').debug('no', {
      get value() {
        looked = true;
        return 1;
      },
    });
    expect(looked).toBe(false);
  });
});

test('the stream has the bytes of the destination', async () => {
  const { logging, output } = testLogging();
  const logger = logging.logger('reactor_data').with({ request_id: 'r' });
  logger.info('plain ü \ud83d\ude00', { 'odd "key"': 'a\nb', list: [1, { a: null }] });
  logger.error('failed', { error: new Error('why', { cause: 'x' }) });
  logger.warn('big', { text: 'y'.repeat(20_000) });
  const response = await logRoutes(logging, { capabilities: CAPABILITIES }).request('/_admin/logs');
  const data = parseSse(await response.text()).map((event) => `${event.data}\n`);
  expect(data.join('')).toBe(output());
});

test('the stream has JSON while the destination is pretty', async () => {
  const { logging, output } = testLogging({ fmt: 'pretty' });
  logging.logger('reactor_data').info('said', { a: 1 });
  expect(output()).toMatch(/^\d\d:\d\d:\d\d\.\d{3} {2}INFO reactor_data said a=1\n$/);
  const [event] = parseSse(
    await (await logRoutes(logging, { capabilities: CAPABILITIES }).request('/_admin/logs')).text(),
  );
  expect(JSON.parse(event?.data ?? '')).toMatchObject({ level: 'INFO', fields: { message: 'said', a: 1 } });
});

describe.each(['json', 'pretty'] as const)('planted secrets in %s', (fmt) => {
  test('reach neither the destination nor the stream', async () => {
    const secrets = Array.from({ length: 17 }, (_, i) => `Planted${i}Secret`);
    const [s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15, s16] = secrets;
    const jwt = `eyJhbGciOiJIUzI1NiJ9.${Buffer.from(JSON.stringify({ sub: s16 })).toString('base64url')}.c2ln`;
    const { logging, output } = testLogging({ fmt });
    const logger = logging
      .logger('reactor_auth')
      .with({ authorization: `Bearer ${s0}`, url: `postgres://u:${s1}@db/x` });
    logger.info(`called with Bearer ${s2}`, {
      headers: { Cookie: `sid=${s3}`, 'set-cookie': [`sid=${s4}; HttpOnly`], 'X-API-Key': s5 },
      body: { user: { password: s6, profile: [{ refresh_token: s7 }] } },
      path: `/storage/v1/object/a.png?token=${s8}&signature=${s9}`,
      raw: ['Authorization', s10],
      text: `{"access_token":"${s11}"}`,
      jwt_in_text: `verified ${jwt}`,
      map: new Map([['secret', s12]]),
      [s13 as string]: undefined,
    });
    const error = new Error(`connect failed: postgres://u:${s14}@db/x`, {
      cause: Object.assign(new Error(`Authorization: Basic ${Buffer.from(`a:${s15}`).toString('base64')}`), {
        config: { password: s15 },
      }),
    });
    logger.error('failed', { error });
    const stream = await (await logRoutes(logging, { capabilities: CAPABILITIES }).request('/_admin/logs')).text();
    for (const written of [output(), stream]) {
      expect(written).toContain('[redacted]');
      for (const secret of secrets.filter((_, i) => i !== 13)) expect(written).not.toContain(secret);
      expect(written).not.toContain(jwt.slice(0, 30));
      expect(written).not.toContain(Buffer.from(`a:${s15}`).toString('base64'));
    }
  });
});

describe('metrics', () => {
  async function samples(registry: Registry, name: string): Promise<Record<string, number>> {
    const metric = await registry.getSingleMetric(name)?.get();
    return Object.fromEntries((metric?.values ?? []).map(({ labels, value }) => [Object.values(labels).join(), value]));
  }

  test('count lines by level, and streams while they are open', async () => {
    const { logging } = testLogging({ filter: 'info' });
    const registry = new Registry();
    logging.metrics.register(registry);
    logging.logger('a').info('one');
    logging.logger('a').info('two');
    logging.logger('a').error('three');
    logging.logger('a').debug('filtered');
    expect(await samples(registry, 'reactor_log_lines_total')).toEqual({
      trace: 0,
      debug: 0,
      info: 2,
      warn: 0,
      error: 1,
    });

    const response = await logRoutes(logging, { capabilities: CAPABILITIES }).request('/_admin/logs?follow=1');
    const reader = response.body?.getReader();
    await reader?.read();
    expect(await samples(registry, 'reactor_log_stream_subscribers')).toEqual({ '': 1 });
    await reader?.cancel();
    expect(await samples(registry, 'reactor_log_stream_subscribers')).toEqual({ '': 0 });
  });

  test('count lines that the destination had no room for', async () => {
    const stuck = new Writable({ highWaterMark: 1, write: () => {} });
    const logging = createLogging({ filter: 'info', destination: stuck, clock: testClock() });
    onTestFinished(() => void stuck.destroy());
    const registry = new Registry();
    logging.metrics.register(registry);
    for (let i = 0; i < 2000; i++) logging.logger('a').info('big', { text: 'x'.repeat(8000) });
    expect(stuck.writableLength).toBeLessThanOrEqual(4 * 1024 * 1024);
    const { destination } = await samples(registry, 'reactor_log_lines_dropped_total');
    expect(destination).toBeGreaterThan(1000);
    expect(destination).toBeLessThan(2000);
  });
});

describe('a stream as destination', () => {
  test('that fails loses lines and nothing else', async () => {
    const broken = new PassThrough();
    const { logging } = testLogging({ destination: broken });
    logging.logger('a').info('before');
    broken.destroy(new Error('EPIPE'));
    await new Promise((resolve) => broken.once('close', resolve));
    logging.logger('a').info('after');
    const events = parseSse(
      await (await logRoutes(logging, { capabilities: CAPABILITIES }).request('/_admin/logs')).text(),
    );
    expect(events.map((event) => fieldOf(event))).toEqual(['before', 'after']);
    await logging.close();
  });

  test('that throws loses the line and nothing else', () => {
    const throwing = new Writable({
      write: () => {
        throw new Error('no');
      },
    });
    const { logging } = testLogging({ destination: throwing });
    expect(() => logging.logger('a').info('said')).not.toThrow();
  });

  test('has taken every line when close resolves', async () => {
    const taken: string[] = [];
    const slow = new Writable({
      highWaterMark: 1,
      write: (chunk, _encoding, done) => {
        setImmediate(() => {
          taken.push(String(chunk));
          done();
        });
      },
    });
    const { logging } = testLogging({ destination: slow });
    for (let i = 0; i < 100; i++) logging.logger('a').info('said', { i });
    await logging.close();
    expect(taken.join('').trim().split('\n')).toHaveLength(100);
  });
});

describe('createLogging', () => {
  test('refuses a bad filter and a ring without room, leaving nothing behind', () => {
    const listeners = process.listenerCount('exit');
    const clock = testClock();
    expect(() => createLogging({ filter: 'loud', clock })).toThrow('"loud" is not a filter directive');
    for (const ringBytes of [0, 65_535, 1.5, Number.NaN]) {
      expect(() => createLogging({ filter: 'info', clock, ringBytes })).toThrow(/ringBytes .* at least 65536/);
    }
    expect(process.listenerCount('exit')).toBe(listeners);
  });

  test('tells one process from the next by the boot id', () => {
    const ids = [1, 2].map(() => testLogging({ bootId: undefined as never }).logging.streams.ring.bootId);
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{12}$/);
  });
});

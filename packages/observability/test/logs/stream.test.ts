import { coreErrors, ReactorError } from '@reactor/core';
import { Hono } from 'hono';
import { Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { type Logging, logRoutes } from '../../src/logs/index.js';
import { CAPABILITIES } from '../capabilities.js';
import { fieldOf, parseSse, SseReader, START, testLogging } from './fixtures.js';

async function backlog(logging: Logging, search = ''): Promise<unknown[]> {
  const response = await logRoutes(logging, { capabilities: CAPABILITIES }).request(`/_admin/logs${search}`);
  expect(response.status).toBe(200);
  return parseSse(await response.text()).map((event) => fieldOf(event));
}

async function follow(logging: Logging, search = ''): Promise<SseReader> {
  const response = await logRoutes(logging, { capabilities: CAPABILITIES }).request(`/_admin/logs?follow=1${search}`);
  return new SseReader(response.body);
}

/** The stream is open once it has asked the ring to wake it. */
async function untilSubscribers(logging: Logging, count: number): Promise<void> {
  const registry = new Registry();
  logging.metrics.register(registry);
  await expect
    .poll(async () => (await registry.getSingleMetric('reactor_log_stream_subscribers')?.get())?.values[0]?.value)
    .toBe(count);
}

describe('GET /_admin/logs', () => {
  test('answers the kept lines as events and ends', async () => {
    const { logging, output } = testLogging();
    logging.logger('reactor_data').info('one');
    logging.logger('reactor_jobs').info('two');
    const response = await logRoutes(logging, { capabilities: CAPABILITIES }).request('/_admin/logs');
    expect(response.headers.get('Content-Type')).toBe('text/event-stream');
    expect(response.headers.get('Cache-Control')).toBe('no-cache');
    expect(response.headers.get('X-Accel-Buffering')).toBe('no');
    const [one, two] = output().trim().split('\n');
    expect(await response.text()).toBe(
      `event: log\nid: boot-1\ndata: ${one}\n\n` + `event: log\nid: boot-2\ndata: ${two}\n\n`,
    );
  });

  test('answers an empty stream when nothing is kept', async () => {
    expect(await backlog(testLogging().logging)).toEqual([]);
  });

  test('narrows by capability, level, target, request and user', async () => {
    const { logging } = testLogging();
    const jobs = logging.logger('reactor_jobs').with({ request_id: 'r-1' });
    jobs.info('a');
    jobs.target('reactor_jobs::worker').warn('b', { sub: 'u-1' });
    logging.logger('reactor_server').error('c');
    expect(await backlog(logging, '?capability=jobs')).toEqual(['a', 'b']);
    expect(await backlog(logging, '?capability=server')).toEqual(['c']);
    expect(await backlog(logging, '?level=warn')).toEqual(['b', 'c']);
    expect(await backlog(logging, '?target=reactor_jobs::')).toEqual(['b']);
    expect(await backlog(logging, '?request_id=r-1&level=info')).toEqual(['a', 'b']);
    expect(await backlog(logging, '?sub=u-1')).toEqual(['b']);
    expect(await backlog(logging, '?sub=u')).toEqual([]);
  });

  test('starts at since, and takes the newest of what matches with limit', async () => {
    const { logging, clock } = testLogging();
    for (let minute = 0; minute < 10; minute++) {
      clock.time = START + minute * 60_000;
      logging.logger(minute % 2 === 0 ? 'reactor_data' : 'reactor_auth').info(`m${minute}`);
    }
    expect(await backlog(logging, '?since=2026-01-31T12:07:00Z')).toEqual(['m7', 'm8', 'm9']);
    expect(await backlog(logging, '?since=3m')).toEqual(['m6', 'm7', 'm8', 'm9']);
    expect(await backlog(logging, '?limit=2')).toEqual(['m8', 'm9']);
    expect(await backlog(logging, '?limit=2&capability=auth')).toEqual(['m7', 'm9']);
    expect(await backlog(logging, '?limit=5&since=1m')).toEqual(['m8', 'm9']);
    expect(await backlog(logging, '?limit=0')).toEqual([]);
    expect(await backlog(logging, '?since=2027-01-01T00:00:00Z')).toEqual([]);
  });

  test('does not end at what is logged while it is read', async () => {
    const { logging } = testLogging();
    logging.logger('a').info('kept');
    const response = await logRoutes(logging, { capabilities: CAPABILITIES }).request('/_admin/logs');
    const reader = new SseReader(response.body);
    expect(fieldOf(await reader.next())).toBe('kept');
    logging.logger('a').info('later');
    expect(await reader.next()).toBeUndefined();
  });

  test('leaves out the access lines of its own clients, which the destination has', async () => {
    const { logging, output } = testLogging();
    const logger = logging.logger('reactor_server');
    logger.info('request completed', { method: 'GET', path: '/_admin/logs', status: 200 });
    logger.info('request completed', { method: 'GET', path: '/_admin/doctor', status: 200 });
    logger.warn('not an access line', { path: '/_admin/logs' });
    const paths = parseSse(
      await (await logRoutes(logging, { capabilities: CAPABILITIES }).request('/_admin/logs')).text(),
    ).map((event) => fieldOf(event, 'path'));
    expect(paths).toEqual(['/_admin/doctor', '/_admin/logs']);
    expect(output().trim().split('\n')).toHaveLength(3);
  });

  test('refuses bad parameters before it streams', async () => {
    const { logging } = testLogging();
    const app = new Hono().route('/', logRoutes(logging, { capabilities: CAPABILITIES }));
    app.onError((error) =>
      (error instanceof ReactorError ? error : coreErrors.create.internal_error('')).getResponse(),
    );
    const response = await app.request('/_admin/logs?since=soon&capability=job&constructor=1');
    expect(response.status).toBe(400);
    expect(response.headers.get('Content-Type')).toBe('application/json');
    const { error } = (await response.json()) as { error: { code: string; details: { path: string }[] } };
    expect(error.code).toBe('invalid_request');
    expect(error.details.map(({ path }) => path)).toEqual(['since', 'capability', 'constructor']);
  });

  test('answers HEAD without holding a stream open', async () => {
    const { logging } = testLogging();
    const response = await logRoutes(logging, { capabilities: CAPABILITIES }).request('/_admin/logs?follow=1', {
      method: 'HEAD',
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('Content-Type')).toBe('text/event-stream');
    expect(await response.text()).toBe('');
    await untilSubscribers(logging, 0);
  });
});

describe('follow', () => {
  test('sends live lines after the kept ones', async () => {
    const { logging } = testLogging();
    logging.logger('a').info('kept');
    const reader = await follow(logging);
    expect(fieldOf(await reader.next())).toBe('kept');
    const live = reader.next();
    logging.logger('a').info('live');
    expect(fieldOf(await live)).toBe('live');
  });

  test('limits and dates the kept lines only', async () => {
    const { logging } = testLogging();
    logging.logger('a').info('kept');
    const reader = await follow(logging, '&limit=0&since=2027-01-01T00:00:00Z');
    const live = reader.next();
    await untilSubscribers(logging, 1);
    logging.logger('a').info('live');
    expect(fieldOf(await live)).toBe('live');
  });

  test('neither loses nor repeats a line, however writing and reading interleave', async () => {
    const { logging } = testLogging({ ringBytes: 16 * 1024 * 1024 });
    const logger = logging.logger('a');
    const total = 5000;
    let written = 0;
    const write = (count: number) => {
      for (let i = 0; i < count && written < total; i++) logger.info('n', { n: ++written });
    };
    write(500);
    const readers = await Promise.all(Array.from({ length: 5 }, () => follow(logging)));
    const reading = readers.map(async (reader) => {
      const ids: (string | undefined)[] = [];
      for (let n = 1; n <= total; n++) {
        const event = await reader.next();
        expect(fieldOf(event, 'n')).toBe(n);
        ids.push(event?.id);
        // Each reader also writes, in the turn between two of its reads.
        if (n % 50 === 0) write(37);
      }
      return ids;
    });
    const expected = Array.from({ length: total }, (_, i) => `boot-${i + 1}`);
    while (written < total) {
      write(101);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await Promise.all(reading)).toEqual(readers.map(() => expected));
  });

  test('shows that it lives while there is nothing it wants', async () => {
    const { logging } = testLogging();
    const routes = logRoutes(logging, { capabilities: CAPABILITIES, heartbeatMs: 20 });
    const response = await routes.request('/_admin/logs?follow=1&level=error');
    const reader = new SseReader(response.body);
    // Unwanted lines must not put the heartbeat off.
    const noise = setInterval(() => logging.logger('a').info('noise'), 5);
    try {
      expect(await reader.take(3)).toEqual(Array.from({ length: 3 }, () => ({ comment: 'heartbeat' })));
    } finally {
      clearInterval(noise);
    }
    logging.logger('a').error('wanted');
    // Sent with what else was written in the same tenth of a second.
    let event = await reader.next();
    while (event?.comment === 'heartbeat') event = await reader.next();
    expect(fieldOf(event)).toBe('wanted');
  });

  test('tells a reader that was overtaken how much it missed, and ends', async () => {
    const { logging } = testLogging({ ringBytes: 64 * 1024 });
    const registry = new Registry();
    logging.metrics.register(registry);
    const reader = await follow(logging);
    logging.logger('a').info('first');
    expect((await reader.next())?.id).toBe('boot-1');
    for (let i = 0; i < 1000; i++) logging.logger('a').info('much', { text: 'x'.repeat(1000) });
    const lost = logging.streams.ring.first - 2;
    expect(lost).toBeGreaterThan(900);
    const event = await reader.next();
    expect(event?.event).toBe('error');
    expect(JSON.parse(event?.data ?? '')).toMatchObject({ code: 'reader_too_slow', lost });
    expect(await reader.next()).toBeUndefined();
    const dropped = await registry.getSingleMetric('reactor_log_lines_dropped_total')?.get();
    expect(dropped?.values.find(({ labels }) => labels.reason === 'stream')?.value).toBe(lost);
    await untilSubscribers(logging, 0);
  });

  test('ends after what was logged when streams are told to', async () => {
    const { logging } = testLogging();
    const readers = await Promise.all([follow(logging), follow(logging, '&level=error')]);
    const reading = readers.map((reader) => reader.rest());
    await untilSubscribers(logging, 2);
    logging.logger('a').info('last words');
    logging.endStreams();
    const [all, errors] = await Promise.all(reading);
    expect(all?.map((event) => fieldOf(event))).toEqual(['last words']);
    expect(errors).toEqual([]);
    await untilSubscribers(logging, 0);
    // One that comes later gets the kept lines.
    expect((await (await follow(logging)).rest()).map((event) => fieldOf(event))).toEqual(['last words']);
  });
});

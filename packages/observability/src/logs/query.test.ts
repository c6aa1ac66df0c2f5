import { ReactorError } from '@reactor/core';
import { describe, expect, test } from 'vitest';
import { type LogQuery, parseLogQuery } from './query.js';
import type { LogRecord } from './ring.js';

const CAPABILITIES = ['auth', 'data', 'storage', 'functions', 'jobs', 'sites'];
const NOW = Date.parse('2026-01-31T12:00:00Z');

function parse(search: string): LogQuery {
  return parseLogQuery(new URLSearchParams(search), { now: NOW, capabilities: CAPABILITIES });
}

function record(target: string, level: LogRecord['level'] = 'info', fields = {}): LogRecord {
  return { sequence: 1, time: NOW, level, target, line: JSON.stringify({ target, fields }) };
}

describe('parseLogQuery', () => {
  test('asks for everything kept when nothing is given', () => {
    const query = parse('');
    expect(query).toMatchObject({ follow: false, since: Number.NEGATIVE_INFINITY, limit: Number.POSITIVE_INFINITY });
    expect(query.matches(record('any', 'trace'))).toBe(true);
  });

  test.each([
    ['2026-01-31T10:00:00Z', '2026-01-31T10:00:00Z'],
    ['2026-01-31t10:00:00.123456789z', '2026-01-31T10:00:00.123Z'],
    ['2026-01-31T10:00:00%2B02:00', '2026-01-31T08:00:00Z'],
    ['2026-01-31T10:00:00+02:00', '2026-01-31T08:00:00Z'],
    ['2026-01-31T10:00:00-00:30', '2026-01-31T10:30:00Z'],
    ['90s', '2026-01-31T11:58:30Z'],
    ['30m', '2026-01-31T11:30:00Z'],
    ['1h', '2026-01-31T11:00:00Z'],
    ['2d', '2026-01-29T12:00:00Z'],
  ])('since=%s', (value, instant) => expect(parse(`since=${value}`).since).toBe(Date.parse(instant)));

  test.each([
    ['follow=1', true],
    ['follow=true', true],
    ['follow=0', false],
    ['follow=false', false],
  ])('%s', (search, follow) => expect(parse(search).follow).toBe(follow));

  test.each([0, 1, 100_000])('limit=%d', (limit) => expect(parse(`limit=${limit}`).limit).toBe(limit));

  test('takes a capability with its parts, and server for what belongs to none', () => {
    const jobs = parse('capability=jobs');
    expect(jobs.matches(record('reactor_jobs'))).toBe(true);
    expect(jobs.matches(record('reactor_jobs::worker'))).toBe(true);
    expect(jobs.matches(record('reactor_jobsx'))).toBe(false);
    const server = parse('capability=server');
    expect(server.matches(record('reactor_server'))).toBe(true);
    expect(server.matches(record('reactor_postgres'))).toBe(true);
    expect(server.matches(record('reactor_jobs::worker'))).toBe(false);
  });

  test('narrows by level, target, request and user together', () => {
    const { matches } = parse('level=WARN&target=reactor_d&request_id=r-1&sub=u%22');
    const fields = { request_id: 'r-1', sub: 'u"' };
    expect(matches(record('reactor_data', 'error', fields))).toBe(true);
    expect(matches(record('reactor_data', 'info', fields))).toBe(false);
    expect(matches(record('reactor_auth', 'error', fields))).toBe(false);
    expect(matches(record('reactor_data', 'error', { ...fields, sub: 'u' }))).toBe(false);
    expect(matches(record('reactor_data', 'error', { ...fields, request_id: 'r-2', other: 'r-1' }))).toBe(false);
  });

  test.each([
    ['since=yesterday', 'since', 'RFC 3339'],
    ['since=2026-02-30T00:00:00Z', 'since', 'RFC 3339'],
    ['since=2026-01-31T25:00:00Z', 'since', 'RFC 3339'],
    ['since=2026-01-31T10:00:00', 'since', 'RFC 3339'],
    ['since=2026-01-31', 'since', 'RFC 3339'],
    ['since=1w', 'since', '2d'],
    ['since=', 'since', 'RFC 3339'],
    ['limit=-1', 'limit', '0 to 100000'],
    ['limit=1e3', 'limit', '0 to 100000'],
    ['limit=100001', 'limit', '0 to 100000'],
    ['capability=job', 'capability', 'auth, data, storage, functions, jobs, sites, server'],
    ['level=fatal', 'level', 'trace, debug, info, warn, error'],
    ['follow=yes', 'follow', '1, true, 0 or false'],
    ['target=', 'target', '1 to 256'],
    [`sub=${'x'.repeat(257)}`, 'sub', '1 to 256'],
    ['level=info&level=warn', 'level', 'more than once'],
    ['folow=1', 'folow', 'accepted are follow, since, limit, capability, level, target, request_id, sub'],
    ['__proto__=1', '__proto__', 'is unknown'],
    ['constructor=1', 'constructor', 'is unknown'],
  ])('refuses %s', (search, name, accepted) => {
    let error: unknown;
    try {
      parse(search);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ReactorError);
    expect(error).toMatchObject({
      code: 'invalid_request',
      status: 400,
      details: [{ path: name, message: expect.stringContaining(accepted) }],
    });
  });

  test('names every bad parameter at once', () => {
    expect(() => parse('since=x&limit=y&z=1')).toThrow(
      expect.objectContaining({
        details: [{ path: 'since' }, { path: 'limit' }, { path: 'z' }].map((d) => expect.objectContaining(d)),
      }),
    );
  });
});

import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { addFields, plainMessage } from './plain.js';

/** What a reader of the line gets. */
function written(fields: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(addFields({}, fields)));
}

describe('addFields', () => {
  test('keeps JSON values and writes the rest as text', () => {
    expect(
      written({
        text: 'a',
        number: 1.5,
        flag: false,
        none: null,
        missing: undefined,
        infinite: Number.POSITIVE_INFINITY,
        big: 2n ** 70n,
        symbol: Symbol('s'),
        callback: () => 1,
        date: new Date('2026-01-31T12:00:00Z'),
        url: new URL('https://example.com/a'),
        pattern: /a+/g,
        bytes: new Uint8Array(3),
        map: new Map([['a', 1]]),
        set: new Set([1, 2]),
        list: [1, undefined, { a: [] }],
      }),
    ).toEqual({
      text: 'a',
      number: 1.5,
      flag: false,
      none: null,
      infinite: 'Infinity',
      big: '1180591620717411303424',
      symbol: 'Symbol(s)',
      callback: '[function]',
      date: '2026-01-31T12:00:00.000Z',
      url: 'https://example.com/a',
      pattern: '/a+/g',
      bytes: '[3 bytes]',
      map: { a: 1 },
      set: [1, 2],
      list: [1, null, { a: [] }],
    });
  });

  test('writes an error with its code, stack and causes, and nothing else that hangs on it', () => {
    const cause = Object.assign(new TypeError('inner'), { code: 'ECONNREFUSED', config: { headers: 'many' } });
    const error = new Error('outer', { cause });
    expect(written({ error }).error).toEqual({
      type: 'Error',
      message: 'outer',
      stack: expect.stringMatching(/^Error: outer\n {4}at /),
      cause: {
        type: 'TypeError',
        message: 'inner',
        code: 'ECONNREFUSED',
        stack: expect.stringMatching(/^TypeError: inner\n {4}at /),
      },
    });
    expect(written({ error: new AggregateError([new Error('a')], 'all') }).error).toMatchObject({
      type: 'AggregateError',
      errors: [{ type: 'Error', message: 'a' }],
    });
    expect(written({ error: runInNewContext('new RangeError("other realm")') }).error).toMatchObject({
      type: 'RangeError',
      message: 'other realm',
    });
  });

  test('survives whatever a value does when it is looked at', () => {
    const circular: Record<string, unknown> = { name: 'loop' };
    circular.self = circular;
    const error = new Error('knot');
    error.cause = error;
    const hostile = {
      circular,
      error,
      getter: {
        get a() {
          throw new Error('no');
        },
        b: 1,
      },
      toJSON: {
        toJSON() {
          throw new Error('no');
        },
      },
      endless: {
        toJSON() {
          return { toJSON: this.toJSON };
        },
      },
      proxy: new Proxy(
        {},
        {
          ownKeys() {
            throw new Error('no');
          },
        },
      ),
      revoked: (() => {
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        return proxy;
      })(),
      badDate: new Date(Number.NaN),
    };
    expect(written(hostile)).toMatchObject({
      circular: { name: 'loop', self: '[circular]' },
      error: { message: 'knot', cause: '[circular]' },
      getter: { a: '[unreadable]', b: 1 },
      toJSON: '[unreadable]',
      proxy: '[unreadable]',
      revoked: '[unreadable]',
      badDate: null,
    });
    expect(addFields({}, hostile.proxy)).toEqual({ fields: '[unreadable]' });
  });

  test('does not let a field pass for the message, or change the prototype', () => {
    const fields = JSON.parse('{"message":"forged","__proto__":{"polluted":true}}');
    const into = addFields({ message: 'real' }, fields);
    expect(into.message).toBe('real');
    expect(into._message).toBe('forged');
    expect(into.polluted).toBeUndefined();
    expect(JSON.stringify(into)).toContain('"__proto__":{"polluted":true}');
  });

  test('bounds texts, names, lists, depth and the line as a whole', () => {
    const deep = (levels: number): unknown => (levels === 0 ? 'bottom' : { down: deep(levels - 1) });
    const line = written({
      text: 'x'.repeat(10_000_000),
      ['n'.repeat(1000)]: 1,
      list: Array.from({ length: 200 }, (_, i) => i),
      deep: deep(50),
    });
    expect(line.text).toBe(`${'x'.repeat(8192)}… [cut from 10000000 characters]`);
    expect(line[`${'n'.repeat(128)}…`]).toBe(1);
    expect(line.list).toHaveLength(101);
    expect((line.list as unknown[]).at(-1)).toBe('[cut from 200 items]');
    expect(JSON.stringify(line.deep)).toContain('[nested too deep]');

    const tree = (levels: number): unknown => (levels === 0 ? '' : Array.from({ length: 90 }, () => tree(levels - 1)));
    for (const value of [tree(3), Object.fromEntries(Array.from({ length: 99 }, (_, i) => [i, 'y'.repeat(9000)]))]) {
      expect(JSON.stringify(addFields({}, { value })).length).toBeLessThan(100_000);
    }
    const many = written(Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`field_${i}`, i])));
    expect(many['…']).toBe('[cut from 5000 fields]');
  });

  test('hides secrets by name at any depth, also in header lists', () => {
    const line = written({
      password: 'p',
      pin_token: 1234,
      has_token: true,
      secret: '',
      nested: [{ headers: { Authorization: 'a', accept: '*/*' } }],
      raw: ['Cookie', 'sid=1', 'Accept', '*/*'],
      pairs: [['x-api-key', 'k']],
    });
    expect(line).toEqual({
      password: '[redacted]',
      pin_token: '[redacted]',
      has_token: true,
      secret: '',
      nested: [{ headers: { Authorization: '[redacted]', accept: '*/*' } }],
      raw: ['Cookie', '[redacted]', 'Accept', '*/*'],
      pairs: [['x-api-key', '[redacted]']],
    });
  });

  test('sees a secret that the cut would split', () => {
    const text = `${'x'.repeat(8180)} Bearer abcdefghijklmnop`;
    expect(written({ text }).text).not.toContain('abcd');
  });
});

test('plainMessage takes what callers without types hand in', () => {
  expect(plainMessage('sent Bearer abc')).toBe('sent Bearer [redacted]');
  expect(JSON.parse(plainMessage(new Error('thrown')))).toMatchObject({ type: 'Error', message: 'thrown' });
  expect(plainMessage(undefined)).toBe('null');
  expect(plainMessage(42)).toBe('42');
});

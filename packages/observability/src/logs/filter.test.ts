import type { LogLevel } from '@reactor/core';
import { describe, expect, test } from 'vitest';
import { parseFilter } from './filter.js';

const LINES: readonly (readonly [string, LogLevel])[] = [
  ['reactor_auth', 'debug'],
  ['reactor_data', 'info'],
  ['reactor_data', 'warn'],
  ['reactor_storage', 'info'],
];

describe('parseFilter', () => {
  test.each([
    ['info', [false, true, true, true]],
    ['info,reactor_auth=debug', [true, true, true, true]],
    ['info,reactor_auth=debug,reactor_data=warn', [true, false, true, true]],
    ['reactor_data=warn', [false, false, true, false]],
    ['off,reactor_data=info', [false, true, true, false]],
    ['', [false, false, false, false]],
    [' , ,', [false, false, false, false]],
    ['off', [false, false, false, false]],
    ['trace', [true, true, true, true]],
    ['WARN, Reactor_x=info , reactor_auth = DEBUG', [true, false, true, false]],
    ['reactor_auth', [true, false, false, false]],
    ['info,debug', [true, true, true, true]],
  ])('%j', (text, expected) => {
    const filter = parseFilter(text);
    expect(LINES.map(([target, level]) => filter.enabled(target, level))).toEqual(expected);
    // Again, from the cache.
    expect(LINES.map(([target, level]) => filter.enabled(target, level))).toEqual(expected);
  });

  test('writes errors of every target when the text is empty', () => {
    expect(parseFilter('').enabled('reactor_anything', 'error')).toBe(true);
  });

  test('takes the longest matching prefix, wherever it stands', () => {
    const filter = parseFilter('reactor_data::sql=trace,reactor_data=off,reactor=info');
    expect(filter.enabled('reactor_data::sql::plan', 'trace')).toBe(true);
    expect(filter.enabled('reactor_data::http', 'error')).toBe(false);
    expect(filter.enabled('reactor_jobs', 'info')).toBe(true);
    expect(filter.enabled('other', 'error')).toBe(false);
  });

  test('lets the later of two directives for one target win', () => {
    expect(parseFilter('reactor_a=error,reactor_a=debug').enabled('reactor_a', 'debug')).toBe(true);
  });

  test.each([
    'inof',
    'warning',
    'reactor_data=verbose',
    'reactor_data=',
    '=info',
    'a=b=info',
    'reactor_data[span]=info',
    'info reactor_data',
    '3',
  ])('refuses %j by name', (directive) => {
    expect(() => parseFilter(`info,${directive}`)).toThrow(SyntaxError);
    expect(() => parseFilter(`info,${directive}`)).toThrow(`${JSON.stringify(directive)} is not a filter directive`);
    expect(() => parseFilter(`info,${directive}`)).toThrow('trace, debug, info, warn, error, off');
  });
});

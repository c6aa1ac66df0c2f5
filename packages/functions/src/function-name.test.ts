import { describe, expect, it } from 'vitest';
import { assertNewFunctionName, isFunctionName } from './function-name.js';

describe('the name of a function', () => {
  it.each(['abc', 'a-b', 'a1-2', `a${'b'.repeat(62)}`, 'a--b'])('may be %s', (name) => {
    expect(() => assertNewFunctionName(name)).not.toThrow();
  });

  it.each([
    'ab',
    `a${'b'.repeat(63)}`,
    '1ab',
    '-ab',
    'ab-',
    'Abc',
    'a_b',
    'a.b',
    'a/b',
    '../x',
    'a b',
    'abc\n',
    'abc\0',
    'äbc',
    '',
    'health',
    'metrics',
  ])('may not be %j', (name) => {
    expect(() => assertNewFunctionName(name)).toThrow(expect.objectContaining({ code: 'invalid_function_name' }));
  });

  it('of a path is not refused because it is reserved', () => {
    expect(isFunctionName('health')).toBe(true);
  });
});

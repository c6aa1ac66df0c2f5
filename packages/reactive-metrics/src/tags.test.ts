import { describe, expect, it } from 'vitest';
import { tagsOf } from './tags.js';

describe('tagsOf', () => {
  it('sorts by code unit and lets the last value of a key win', () => {
    const tags = tagsOf({ b: '1', a: '2' }, [
      ['b', '3'],
      ['B', '4'],
      ['b', '5'],
    ]);
    expect([...tags]).toEqual([
      ['B', '4'],
      ['a', '2'],
      ['b', '5'],
    ]);
    expect(tags.size).toBe(3);
    expect(tags.get('a')).toBe('2');
    expect(tags.get('c')).toBeUndefined();
  });

  it('gives equal ids to equal sets only', () => {
    expect(tagsOf({ a: '1', b: '2' }).id).toBe(tagsOf([['b', '2']], { a: '1' }).id);
    expect(tagsOf({ a: '1,b=2' }).id).not.toBe(tagsOf({ a: '1', b: '2' }).id);
    expect(tagsOf({ a: '' }).id).not.toBe(tagsOf().id);
    expect(tagsOf({ a: '\ud800' }).id).not.toBe(tagsOf({ a: '\ud801' }).id);
  });
});

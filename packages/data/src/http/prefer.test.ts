import { expect, test } from 'vitest';
import { parsePrefer, preferenceApplied } from './prefer.js';

test('reads every preference', () => {
  expect(
    parsePrefer(
      'return=representation, count=exact,resolution=merge-duplicates , missing=default, tx=rollback, handling=strict, max-affected=10',
    ),
  ).toEqual({
    return: 'representation',
    count: 'exact',
    resolution: 'merge-duplicates',
    missing: 'default',
    tx: 'rollback',
    handling: 'strict',
    maxAffected: 10,
  });
  expect(parsePrefer(null)).toEqual({});
  expect(parsePrefer(' , Return="minimal"')).toEqual({ return: 'minimal' });
  expect(parsePrefer('count=exact, count=planned')).toEqual({ count: 'exact' });
});

test('reads a conflict target among them', () => {
  expect(parsePrefer('resolution=merge-duplicates,on_conflict=a,b,count=exact')).toEqual({
    resolution: 'merge-duplicates',
    onConflict: ['a', 'b'],
    count: 'exact',
  });
});

test('ignores what it does not know, unless told to be strict', () => {
  expect(parsePrefer('respond-async, wait=10, constructor=x')).toEqual({});
  expect(() => parsePrefer('handling=strict, wait=10')).toThrow('not understood: wait=10');
});

test('looks at the first of a repeated preference only', () => {
  expect(parsePrefer('tx=rollback, tx=nonsense')).toEqual({ tx: 'rollback' });
  // Each time zone would be looked up.
  expect(() => parsePrefer('timezone=Nowhere,'.repeat(500))).toThrow(/: timezone=Nowhere$/);
});

test('refuses a value that a known preference does not have, unless told to be lenient', () => {
  expect(() => parsePrefer('count=all')).toThrow('not understood: count=all');
  expect(() => parsePrefer('max-affected=-1')).toThrow('not understood: max-affected=-1');
  expect(() => parsePrefer('return')).toThrow('not understood: return');
  expect(parsePrefer('handling=lenient, count=all')).toEqual({ handling: 'lenient' });
});

test('says what it applied', () => {
  const preferences = parsePrefer('return=minimal, handling=strict, max-affected=5, count=exact');
  expect(preferenceApplied(preferences, ['return', 'handling', 'max-affected', 'tx'])).toBe(
    'return=minimal, handling=strict, max-affected=5',
  );
  expect(preferenceApplied(preferences, ['tx'])).toBeUndefined();
});

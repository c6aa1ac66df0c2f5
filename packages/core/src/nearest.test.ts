import { expect, test } from 'vitest';
import { nearest } from './nearest.js';

test.each([
  ['bnd', 'bind'],
  ['State_dir', 'state_dir'],
  ['max_upload_byte', 'max_upload_bytes'],
  ['zone', undefined],
  ['b'.repeat(100), undefined],
])('%s: %s was meant', (word, meant) => {
  expect(nearest(word, ['bind', 'state_dir', 'max_upload_bytes', 'b'.repeat(99)])).toBe(meant);
});

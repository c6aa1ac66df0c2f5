import { expect, test } from 'vitest';
import { formatDuration } from './text.js';

test.each([
  [0, '0s'],
  [12.9, '12s'],
  [60, '1m 0s'],
  [184, '3m 4s'],
  [7500, '2h 5m'],
  [97_200, '1d 3h'],
  [-5, '0s'],
])('%d s is %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

import { expect, test } from 'vitest';
import { MINIMUM_POOL_MAX, sharesOf } from './shares.js';

test.each([
  [20, ['system', 'requests'], { system: 6, requests: 14 }],
  [20, ['system', 'requests', 'jobs'], { system: 6, requests: 12, jobs: 2 }],
  [100, ['system', 'requests', 'jobs'], { system: 30, requests: 60, jobs: 10 }],
  [MINIMUM_POOL_MAX, ['system', 'requests', 'jobs'], { system: 2, requests: 2, jobs: 2 }],
  [20, ['system'], { system: 20 }],
] as const)('%d connections for %s are %o', (total, pools, expected) => {
  expect(sharesOf(total, pools)).toEqual(expected);
});

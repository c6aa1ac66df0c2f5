import { defineConfig } from 'vitest/config';
import { shared } from '../../vitest.shared.ts';

const overRxjs = ['test/rxjs/**/*.test.ts'];
const { resolve } = shared;

export default defineConfig({
  ...shared,
  test: {
    ...shared.test,
    // What runs on RxJS runs twice: on the newest 7.x, and on the oldest this package allows.
    projects: [
      { extends: true, test: { name: 'newest', include: ['src/**/*.test.ts', 'test/*.test.ts', ...overRxjs] } },
      {
        extends: true,
        resolve: { ...resolve, alias: { rxjs: 'rxjs-7-0' } },
        test: { name: 'rxjs 7.0', include: overRxjs },
      },
    ],
  },
});

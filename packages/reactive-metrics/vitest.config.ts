import { defineConfig } from 'vitest/config';
import { shared } from '../../vitest.shared.ts';

const overRxjs = ['test/rxjs/**/*.test.ts'];
// Without `module`: @opentelemetry/api keeps files there that only bundlers can load.
const conditions = ['@reactor/source', 'node'];
// A project adds to what it extends, and each of these picks its own files.
const { include: _, ...test } = shared.test;

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    ...test,
    // With files that share a worker, two tests of asynchronous order never ended on the oldest RxJS.
    isolate: true,
    // What runs on RxJS runs twice: on the newest 7.x, and on the oldest this package allows.
    projects: [
      {
        extends: true,
        test: {
          name: 'newest',
          include: ['src/**/*.test.ts', 'test/*.test.ts', ...overRxjs],
          provide: { rxjs: 'newest' },
        },
      },
      {
        extends: true,
        resolve: { alias: { rxjs: 'rxjs-7-0' } },
        test: { name: 'rxjs 7.0', include: overRxjs, provide: { rxjs: 'rxjs 7.0' } },
      },
    ],
  },
});

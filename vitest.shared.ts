import type { ViteUserConfig } from 'vitest/config';

/**
 * Settings every package's tests share. The `@reactor/source` condition makes workspace packages resolve to their
 * sources, so one package's tests run alone and without a build.
 */
export const shared = {
  resolve: { conditions: ['@reactor/source', 'module', 'node'] },
  ssr: { resolve: { conditions: ['@reactor/source', 'module', 'node'] } },
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two cores on the smallest machine we support: more workers only wait for each other's PostgreSQL.
    maxWorkers: 2,
    reporters: ['default'],
  },
} satisfies ViteUserConfig;

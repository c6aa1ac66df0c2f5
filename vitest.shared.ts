import { configDefaults, type ViteUserConfig } from 'vitest/config';

// Tests connect with the plain driver too, which would read PGPORT, PGOPTIONS and others of the developer's shell.
for (const name of Object.keys(process.env)) {
  if (/^PG[A-Z]/.test(name)) delete process.env[name];
}

/** Workspace packages resolve to their sources, so one package's tests run alone and without a build. */
const resolve = { conditions: ['@reactor/source', 'node'] };

/** Settings every package's tests share. */
export const shared = {
  resolve,
  ssr: { resolve },
  // Where vitest loads global setup files.
  environments: { __vitest__: { resolve } },
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    // These run `promtool` or `prometheus`, which a machine with only Node does not have. CI does.
    exclude: [...configDefaults.exclude, ...(process.env.REACTOR_TEST_PROMETHEUS ? [] : ['**/*.prometheus.test.ts'])],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Two cores on the smallest machine we support: more workers only wait for each other's PostgreSQL.
    maxWorkers: 2,
    // Our code does nothing when it is imported and keeps nothing global, so files can share what a worker has imported: about a second
    // of CPU each. A package whose tests replace modules of Node says so in its own config.
    isolate: false,
    reporters: ['default'],
  },
} satisfies ViteUserConfig;

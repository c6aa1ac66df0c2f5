import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Each file runs servers of its own; more at a time would only measure the machine.
    maxWorkers: 2,
  },
});

import { defineConfig } from 'vitest/config';
// Takes the PG* variables of the shell away.
import '../vitest.shared.ts';

export default defineConfig({
  test: {
    include: ['*/*.test.ts'],
    globalSetup: ['./support/first-start.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Each file runs servers of its own; more at a time would only measure the machine.
    maxWorkers: 2,
  },
});

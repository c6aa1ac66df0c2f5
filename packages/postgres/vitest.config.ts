import { defineConfig, mergeConfig } from 'vitest/config';
import { shared } from '../../vitest.shared.ts';

// By path, and so in its tests: the fixtures depend on this package, which therefore cannot depend on theirs.
export default mergeConfig(shared, defineConfig({ test: { globalSetup: ['../testing/src/global-database.ts'] } }));

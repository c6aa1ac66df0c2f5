import { describe, test } from 'vitest';
import { CONFORMANCE_CHECKS, type ConformanceSubject } from './checks.js';

/**
 * Holds a capability to its contract, one test for each promise.
 * @param setup runs inside each test, so that it may register its clean-up with `onTestFinished`
 */
export function describeConformance(name: string, setup: () => ConformanceSubject | Promise<ConformanceSubject>): void {
  describe(`${name} conforms: it`, () => {
    for (const check of CONFORMANCE_CHECKS) test(check.title, async () => check.run(await setup()));
  });
}

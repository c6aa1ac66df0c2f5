import { afterAll, onTestFinished, TestRunner } from 'vitest';

/**
 * Runs `work` when the running test is over. At the top level of a test file, where no test runs yet, it is run when the file is
 * over: what is made there is shared by all tests of the file. The last to be registered is the first to run.
 */
export function whenOver(work: () => unknown): void {
  const run = async () => void (await work());
  if (TestRunner.getCurrentTest() === undefined) afterAll(run);
  else onTestFinished(run);
}

import { onTestFinished } from 'vitest';

const EVENTS = ['uncaughtException', 'unhandledRejection'] as const;

/**
 * Takes the errors that RxJS reports on a fresh stack for the rest of the test, in place of the test runner.
 * @returns a function that waits until `count` of them came, and gives them
 */
export function collectUncaught(): (count: number) => Promise<unknown[]> {
  const seen: unknown[] = [];
  let arrived = () => {};
  const collect = (error: unknown) => {
    seen.push(error);
    arrived();
  };
  for (const event of EVENTS) {
    const others = process.rawListeners(event) as ((...args: unknown[]) => void)[];
    process.removeAllListeners(event);
    process.on(event, collect);
    onTestFinished(() => {
      process.removeListener(event, collect);
      for (const listener of others) process.on(event, listener);
    });
  }
  return (count) =>
    new Promise((resolve) => {
      arrived = () => {
        if (seen.length >= count) resolve(seen);
      };
      arrived();
    });
}

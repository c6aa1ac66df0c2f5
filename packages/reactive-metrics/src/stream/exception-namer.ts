import { errorName } from '../error-name.js';
import type { FailureReporter } from '../failure-reporter.js';

/** The caller's way to name errors, kept from doing harm: when it throws or gives no string, the default answers. */
export function exceptionNamer(
  custom: ((error: unknown) => string) | undefined,
  report: FailureReporter,
): (error: unknown) => string {
  if (custom === undefined) return errorName;
  return (error) => {
    try {
      const name: unknown = custom(error);
      if (typeof name === 'string') return name;
      report(new TypeError(`exceptionName must return a string, got ${typeof name}`));
    } catch (failure) {
      report(failure);
    }
    return errorName(error);
  };
}

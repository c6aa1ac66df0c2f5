import { functionsErrors } from './errors.js';

const NAME = /^[a-z][a-z0-9-]{1,61}[a-z0-9]$/;

/** Paths of our own, in whose place a function of that name would never be called. */
const RESERVED: ReadonlySet<string> = new Set(['health', 'metrics']);

/** Whether a function can have this name, reserved words aside. */
export function isFunctionName(value: string): boolean {
  return NAME.test(value);
}

/** @throws ReactorError `invalid_function_name` (400) */
export function assertNewFunctionName(name: string): void {
  if (!isFunctionName(name)) {
    throw functionsErrors.create.invalid_function_name(
      'The name of a function has 3 to 63 characters a-z 0-9 -, begins with a letter and does not end with a hyphen.',
    );
  }
  if (RESERVED.has(name)) {
    throw functionsErrors.create.invalid_function_name(`These names are reserved: ${[...RESERVED].join(', ')}.`);
  }
}

/** The same words wherever it is found out. */
export function functionNotFound() {
  return functionsErrors.create.function_not_found('There is no such function.');
}

/**
 * The name an error goes by in a tag: bounded by the program's error types, never the error's text.
 * `name` comes first because RxJS names its errors there and calls their classes `TimeoutErrorImpl`; the class comes
 * second because `class FooError extends Error {}` leaves `name` at `Error`. Primitives give their type.
 */
export function errorName(error: unknown): string {
  if (error === null) return 'null';
  if (typeof error !== 'object' && typeof error !== 'function') return typeof error;
  try {
    const { name } = error as { name?: unknown };
    if (typeof name === 'string' && name !== '' && name !== 'Error') return name;
    const type: unknown = error.constructor?.name;
    if (typeof type === 'string' && type !== '' && type !== 'Object') return type;
  } catch {
    // A getter of the thrown object threw: it still is an error, and nothing more can be said about it.
  }
  return 'Error';
}

/** Receives what went wrong inside instrumentation. Never throws. */
export type FailureReporter = (failure: unknown) => void;

/**
 * Where an operator sends failures of its own: to `hook` each time, or to the console once, so that a broken registry
 * under a busy stream does not flood the log.
 * @param operator names the culprit in the warning
 */
export function failureReporter(operator: string, hook?: (failure: unknown) => void): FailureReporter {
  let warned = false;
  return (failure) => {
    if (hook === undefined) {
      if (warned) return;
      warned = true;
      console.warn(`${operator}: a measurement failed; the stream goes on without it (warned once)`, failure);
      return;
    }
    try {
      hook(failure);
    } catch {
      // The hook is the last resort: there is nobody left to tell, and the stream must not notice.
    }
  };
}

import type { ExitCode, StartError } from '@reactor/core';

/** Ends the process with a message for people and a code for scripts. Thrown where the reason is known. */
export class ExitError extends Error implements StartError {
  override readonly name = 'ExitError';

  constructor(
    readonly exitCode: ExitCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

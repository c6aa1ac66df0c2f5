/** Exit codes of `reactor-server`; 0 is a clean stop. */
export const EXIT = {
  migrationFailed: 1,
  configuration: 2,
  portUnavailable: 3,
  keysUnusable: 4,
  databaseUnreachable: 5,
  capabilityFailed: 6,
  uncaught: 70,
} as const;

/** Ends the process with a message for people and a code for scripts. Thrown where the reason is known. */
export class ExitError extends Error {
  override readonly name = 'ExitError';

  constructor(
    readonly exitCode: number,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Why a process ends that could not start; 0 is a clean stop. */
export const EXIT = {
  migrationFailed: 1,
  configuration: 2,
  portUnavailable: 3,
  keysUnusable: 4,
  databaseUnreachable: 5,
  capabilityFailed: 6,
  uncaught: 70,
} as const;
/** Every code but 0. docs/architecture.md says what each means to an operator. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** An error with the exit code of the process when a start fails because of it. */
export interface StartError extends Error {
  readonly exitCode: ExitCode;
}

/** The code that `error` asks for. @param otherwise for an error that asks for none */
export function exitCodeOf(error: unknown, otherwise: ExitCode): ExitCode {
  const { exitCode } = (error ?? {}) as { exitCode?: unknown };
  return Object.values(EXIT).find((code) => code === exitCode) ?? otherwise;
}

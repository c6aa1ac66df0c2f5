/** Exit codes by class of error; `docs` and scripts rely on them. */
export const EXIT = {
  ok: 0,
  user: 1,
  configuration: 2,
  authentication: 3,
  server: 5,
  network: 6,
} as const;

const EXIT_OF_CODE = {
  MISSING_ARGUMENT: EXIT.user,
  INVALID_ARGUMENT: EXIT.user,
  CLIENT_ERROR: EXIT.user,
  CONFIG_ERROR: EXIT.configuration,
  IO_ERROR: EXIT.configuration,
  URL_ERROR: EXIT.configuration,
  AUTH_REQUIRED: EXIT.authentication,
  AUTH_FAILED: EXIT.authentication,
  PERMISSION_DENIED: EXIT.authentication,
  SERVER_ERROR: EXIT.server,
  INTERNAL_ERROR: EXIT.server,
  NETWORK_ERROR: EXIT.network,
  CONNECTION_REFUSED: EXIT.network,
  TIMEOUT: EXIT.network,
} as const;

export type CliErrorCode = keyof typeof EXIT_OF_CODE;

/** What a command ends with when it cannot do its work. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: CliErrorCode;
  /** What to do about it. */
  readonly hint: string | undefined;

  constructor(code: CliErrorCode, message: string, hint?: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }

  get exitCode(): number {
    return EXIT_OF_CODE[this.code];
  }
}

/** A fault of ours as an error like the others. */
export function toCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  return new CliError('INTERNAL_ERROR', error instanceof Error ? error.message : String(error));
}

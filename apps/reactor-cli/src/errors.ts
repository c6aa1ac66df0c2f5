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
  INTERRUPTED: EXIT.user,
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

/** What the server answered instead of doing what it was asked. */
export interface Refusal {
  /** HTTP status: 3xx to 5xx. */
  readonly status: number;
  /** `error.code` and `error.details` of the envelope; unset when the answer had none. */
  readonly code?: string;
  readonly details?: unknown;
}

/** One thing that is wrong with what was sent, and where in it. */
export interface Problem {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
}

/** What a command ends with when it cannot do its work. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: CliErrorCode;
  /** What to do about it. */
  readonly hint: string | undefined;
  /** Unset when no answer of a server is behind it. */
  readonly refusal: Refusal | undefined;
  /** What is wrong one by one, where the message is about several things. */
  readonly problems: readonly Problem[];

  constructor(
    code: CliErrorCode,
    message: string,
    hint?: string,
    refusal?: Refusal,
    problems: readonly Problem[] = [],
  ) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.refusal = refusal;
    this.problems = problems;
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

/** Variables of a function, as of one revision. */
export interface EnvironmentValues {
  readonly revision: number;
  readonly values: Readonly<Record<string, string>>;
}

/** What the shim is told to serve, first of all. */
export interface StartMessage {
  /** Absolute path of the built module; its folder is the working directory from then on. */
  readonly entry: string;
  /** Absolute path of the Unix socket to listen on. */
  readonly socket: string;
  /** By which the server tells an answer of the shim from one of the handler. */
  readonly mark: string;
  readonly name: string;
  readonly version: number;
  readonly environment: EnvironmentValues;
}

/** From the server to the shim, a line each. */
export type ToShim =
  | { readonly start: StartMessage }
  | { readonly ping: number }
  | { readonly environment: EnvironmentValues };

/** What a function wrote. */
export interface OutputLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  /** The call it belongs to. Absent for what no call started. */
  readonly call?: string;
  /** It was written after the answer of that call. */
  readonly after?: true;
}

/** From the shim to the server. The function's code may forge them, for its own process. */
export type FromShim =
  /** The first one: nothing of the function has run yet. */
  | { readonly booted: true }
  /** It listens. The number is for whoever reads along. */
  | { readonly ready: number }
  | { readonly failed: string }
  | { readonly pong: number }
  | { readonly log: OutputLine }
  /** `waitUntil` of a call, and its end. */
  | { readonly hold: string }
  | { readonly free: string }
  /** An error that came when nobody waited for it. */
  | { readonly late: string };

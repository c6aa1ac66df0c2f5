import type { Context } from 'hono';
import type { ReactorEnv } from './http/env.js';
import type { Principal } from './http/principal.js';

/** Time, so that tests can move it. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds with a fraction, never going back; only differences mean something. */
  monotonic(): number;
}

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Fields of a log line. An `error` field that holds an Error is written with its stack and causes. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes lines of one target (`reactor_storage`). The message is a constant; what varies goes into the fields. */
export interface Logger {
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** Whether a line of this level would be written; spares the work of building its fields. */
  isEnabled(level: LogLevel): boolean;
  /** The same target with fields added to every line. */
  with(fields: LogFields): Logger;
  /** Another target (`reactor_storage::sweep`), same destination. */
  target(target: string): Logger;
}

/** For a capability mounted where nobody wants its log lines. */
export const silentLogger: Logger = {
  trace: () => {},
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  isEnabled: () => false,
  with: () => silentLogger,
  target: () => silentLogger,
};

export interface QueryResult<Row> {
  readonly rows: Row[];
  /** Rows affected by a write; 0 where PostgreSQL reports none. */
  readonly rowCount: number;
}

/** The part of an AbortSignal that cancelling needs. */
export interface CancelSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

export interface QueryOptions {
  /**
   * When it aborts, PostgreSQL is asked to cancel what runs, and the call rejects with the signal's reason once it has
   * answered or a second has passed. The connection is closed then, not reused.
   */
  readonly signal?: CancelSignal | undefined;
}

export interface Queryable {
  /** @param values parameters `$1…$n`; never put into the text */
  query<Row = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
    options?: QueryOptions,
  ): Promise<QueryResult<Row>>;
}

/** One statement of a pipeline. */
export interface Statement {
  readonly text: string;
  /** Parameters `$1…$n` in PostgreSQL's text form. */
  readonly values?: readonly (string | null)[];
  /**
   * Keeps the statement prepared on the connection and reuses it for the same key. Of a key the text never changes; the
   * least recently used statements are given up.
   */
  readonly prepareAs?: string;
}

/** A checked-out connection. */
export interface DatabaseConnection extends Queryable {
  /** Process id that the server named at login. Behind a pooler it is not `pg_backend_pid()`. */
  readonly processId?: number | undefined;
  /**
   * Sends several statements at once and waits for all of them: one round trip. Outside of a transaction they are one:
   * all of them take effect, or none. The first error is thrown, and the statements after it do not run.
   */
  pipeline(
    statements: readonly Statement[],
    options?: QueryOptions,
  ): Promise<readonly QueryResult<Record<string, unknown>>[]>;
  /** Gives the connection back; with `broken` it is closed instead. */
  release(broken?: boolean): void;
}

/**
 * PostgreSQL, through a pool.
 * @throws ReactorError `database_unavailable` (503) when no connection is to be had within the acquire timeout, or the
 *   server is down. SQL errors pass unchanged, with the SQLSTATE in `code`.
 */
export interface Database extends Queryable {
  /** When the signal aborts before a connection is there, the call rejects with its reason. */
  connect(options?: QueryOptions): Promise<DatabaseConnection>;
  /** Runs `work` between BEGIN and COMMIT; rolls back when it rejects. */
  transaction<T>(work: (connection: Queryable) => Promise<T>): Promise<T>;
  /**
   * One round trip on a connection of its own that gives up when `signal` aborts, so that a check stays within its
   * timeout even when the server hangs and the pool is exhausted.
   */
  ping(signal: AbortSignal): Promise<{ readonly version: string }>;
  /** Between all who have this database open. Anybody in it may publish, too: `NOTIFY reactor_events, '<subject>'`. */
  readonly events: Events;
}

/**
 * Hints between processes that share a database or a broker. Delivery is not guaranteed: whoever subscribes can also
 * find out by asking, and asks when told of a gap.
 */
export interface Events {
  /**
   * @param subject words of `[A-Za-z0-9_-]`, with dots between them: `data.schema`. At most 200 characters
   * @param payload UTF-8 without NUL, at most 1 MiB. Default: empty
   * @param transaction to publish with its commit. One transaction publishes once, never once per row: those that
   *   publish wait for each other as they commit
   * @throws RangeError for a subject or a payload of another form
   */
  publish(subject: string, payload?: string, transaction?: Queryable): Promise<void>;
  /**
   * @param pattern a subject in which `*` stands for one word and a last `>` for one or more
   * @param handler is called with one event at a time, in their order; what it throws is logged. One that is too slow
   *   gets a gap for what it did not keep up with. `stop` waits for it, so it must not wait for its own `stop`
   * @throws RangeError for a pattern of another form
   */
  subscribe(pattern: string, handler: EventHandler): Subscription;
}

/** What a subscriber does with an event. */
export type EventHandler = (event: EventHint) => void | Promise<void>;

/**
 * `gap`: something may have been missed. It comes as listening begins and each time it begins again, when the handler was
 * too slow or a payload is gone, and every few seconds where nothing can be listened to.
 */
export type EventHint =
  | { readonly kind: 'event'; readonly subject: string; readonly payload: string }
  | { readonly kind: 'gap' };

/** What was subscribed to, until `stop`. */
export interface Subscription {
  /** Resolves once nothing is called any more and what only it needed is closed. Safe twice. */
  stop(): Promise<void>;
}

/** Where a request came from, as far as the socket and the configured proxies can be trusted. */
export interface Peer {
  /** Remote address of the socket. */
  readonly address: string;
  /** Whether the request says that it was relayed (`Forwarded`, `X-Forwarded-*`). */
  readonly forwarded: boolean;
  /** The client's address behind trusted proxies; the socket's where there are none. */
  readonly clientAddress: string;
}

/** Turns a bearer token into the one who calls. Supplied by auth, or by the app that mounts a capability alone. */
export interface TokenVerifier {
  /**
   * @param context of the request that brought it, which says from where and for which tenant
   * @throws ReactorError `invalid_token` (401) for a token that is unknown, malformed or expired
   */
  verify(token: string, context?: Context<ReactorEnv>): Promise<Principal>;
}

import {
  type Clock,
  type Database,
  isSqlError,
  type Logger,
  ReactorError,
  reasonOf,
  type Subscription,
} from '@reactor/core';
import { schemaUnavailable } from '../errors.js';
import { isOfStaleSchema } from '../execute/stale-schema.js';
import { Debounce } from './debounce.js';
import { readSchema, type SchemaReading } from './introspect.js';
import { isEnforced, type Relation, type SchemaModel } from './model.js';
import { isTimeout } from './read-catalog.js';
import { ReadingTimer } from './reading-timer.js';
import { readSurroundings } from './surroundings.js';

/** Who changes the schema of a running app publishes this subject: the event trigger, the migrations, an operator. */
export const SCHEMA_SUBJECT = 'data.schema';
/** The schema whose tables and functions are served. */
export const EXPOSED_SCHEMA = 'public';

/**
 * Requests that ask for what is not there make the cache look again. A client that guesses names must not keep the catalog
 * busy: after such a reading there is a pause of this many times as long as it took, within these milliseconds.
 */
const MISS_PAUSE = { factor: 9, minMs: 100, maxMs: 10_000 };

/**
 * Who says that something is missing. A caller may be guessing, or may be meant to be without a privilege; PostgreSQL,
 * which refuses what the model has, is believed at once, unless it has just been wrong.
 */
export type MissedBy = 'caller' | 'database';

/** How long DDL goes unnoticed where nothing in the database announces it. Milliseconds. */
const UNANNOUNCED_MS = 5_000;

/** One reading of the schema. */
export interface CachedSchema {
  /** With its generation, which a reading that finds the same schema again does not change. */
  readonly model: SchemaModel;
  /** The same for the operator, whom a table without row-level security is not kept from. */
  readonly systemModel: SchemaModel;
  /** Of the exposed schema alone, as `readSchema` gives it. */
  readonly exposed: string;
  /** Of all that statements are made from. */
  readonly fingerprint: string;
  /** Monotonic milliseconds when the reading began. */
  readonly readAt: number;
}

export interface SchemaCacheOptions {
  readonly database: Database;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly onReload: (result: 'ok' | 'failed') => void;
  /** Called when a lock or the time limit kept the schema from being read. */
  readonly onTimeout?: () => void;
  /** Before each reading: whether all that it finds may be served. Does not reject. */
  readonly beforeRead?: () => Promise<boolean>;
  /** Where no event trigger announces DDL, the schema is read again this long after a reading. Default 5000. */
  readonly unannouncedMs?: number;
}

/**
 * The schema as it was last read. A reload swaps it as a whole: a request goes on with the one that it began with. When a
 * reading fails, the one before stays in force, and reading is tried again until it works. Where the database announces no
 * DDL, it is read every few seconds.
 */
export class SchemaCache {
  readonly #options: SchemaCacheOptions;
  #current: CachedSchema | undefined;
  #failure: string | undefined;
  #subscription: Subscription | undefined;
  #running: Promise<CachedSchema> | undefined;
  #queued: Promise<CachedSchema> | undefined;
  /** Monotonic milliseconds until which a miss does not cause a reading. */
  #pauseUntil = Number.NEGATIVE_INFINITY;
  /** PostgreSQL refused what the model has, and the next reading found the same model. */
  #falseAlarm = false;
  readonly #next = new ReadingTimer(() => this.reload());
  /** A script that changes a thousand tables must not make a thousand readings. */
  readonly #announced: Debounce;

  constructor(options: SchemaCacheOptions) {
    this.#options = options;
    // What fails is counted and logged, and tried again.
    this.#announced = new Debounce(options.clock, () => void this.reload().catch(() => {}));
  }

  /**
   * Reads the schema and listens for changes. One that cannot be read does not prevent the start: requests are answered
   * `schema_unavailable` until it can.
   * @throws ReactorError `database_unavailable`
   */
  async start(): Promise<void> {
    this.#next.enable();
    await this.reload().catch((error) => {
      if (isSchemaUnavailable(error)) return;
      this.#next.stop();
      throw error;
    });
    this.#subscription ??= this.#options.database.events.subscribe(SCHEMA_SUBJECT, () => this.#announced.happened());
  }

  async stop(): Promise<void> {
    this.#next.stop();
    await this.#subscription?.stop();
    this.#subscription = undefined;
    this.#announced.stop();
    await Promise.allSettled([this.#running, this.#queued]);
  }

  /**
   * The schema; read now when it has not been.
   * @throws ReactorError `schema_unavailable` (503) when it cannot be read, `database_unavailable`
   */
  async get(): Promise<CachedSchema> {
    if (this.#current !== undefined) return this.#current;
    if (this.#failure !== undefined && this.#isPausing()) throw schemaUnavailable(this.#failure);
    return this.#running ?? this.reload();
  }

  /** The schema as it was last read, without reading it; undefined when it never was. */
  peek(): CachedSchema | undefined {
    return this.#current;
  }

  /** Whether it was ever read, or could not be. */
  wasTried(): boolean {
    return (this.#current ?? this.#failure) !== undefined;
  }

  /** Why the last reading failed; undefined when it did not. For the operator only. */
  failure(): string | undefined {
    return this.#failure;
  }

  ageMs(): number | undefined {
    return this.#current && this.#options.clock.monotonic() - this.#current.readAt;
  }

  relations(): { readonly served: number; readonly refused: number } {
    const relations = [...(this.#current?.model.relations.values() ?? [])];
    const served = relations.filter(isEnforced).length;
    return { served, refused: relations.length - served };
  }

  /**
   * A schema that was read after this call. Calls that come while one is read share the next reading.
   * @throws ReactorError `schema_unavailable` (503), `database_unavailable`; the schema that was there stays
   */
  reload(): Promise<CachedSchema> {
    if (this.#running === undefined) {
      this.#running = this.#read().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    this.#queued ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#queued = undefined;
        return this.reload();
      });
    return this.#queued;
  }

  /**
   * What to try with when `seen` misses something: a newer schema, or undefined when none can be read now.
   * @throws as `reload`
   */
  async afterMiss(seen: CachedSchema, by: MissedBy): Promise<CachedSchema | undefined> {
    // Another reading of the same schema may have begun before what is missed was there.
    if (this.#current !== undefined && this.#current.fingerprint !== seen.fingerprint) return this.#current;
    if ((by !== 'database' || this.#falseAlarm) && this.#isPausing()) {
      // What is read for somebody else anyway costs no reading more.
      const underWay = this.#queued ?? this.#running;
      if (underWay !== undefined) return underWay;
      if (this.#failure !== undefined) throw schemaUnavailable(this.#failure);
      return undefined;
    }
    const began = this.#options.clock.monotonic();
    const newer = await this.reload().finally(() => this.#pauseSince(began));
    if (by === 'database') this.#falseAlarm = newer.fingerprint === seen.fingerprint;
    return newer;
  }

  #pauseSince(began: number): void {
    const { factor, minMs, maxMs } = MISS_PAUSE;
    const now = this.#options.clock.monotonic();
    this.#pauseUntil = now + Math.min(Math.max((now - began) * factor, minMs), maxMs);
  }

  #isPausing(): boolean {
    return this.#options.clock.monotonic() < this.#pauseUntil;
  }

  async #read(): Promise<CachedSchema> {
    const { database, clock, logger, onReload, onTimeout, beforeRead, unannouncedMs = UNANNOUNCED_MS } = this.#options;
    const began = clock.monotonic();
    const isSettled = (await beforeRead?.()) ?? true;
    if (!isSettled && this.#current !== undefined) {
      // A new function may still be open to everybody: what is new waits until it is not.
      this.#next.afterFailure();
      return this.#current;
    }
    const readAt = clock.monotonic();
    try {
      const reading = await readSettled(database);
      const { model, fingerprint } = isSettled ? reading : withoutFunctions(reading);
      const { isAnnounced, isQuiet } = await readSurroundings(database);
      this.#current = this.#succeed({ ...model, quiet: isQuiet }, fingerprint, readAt);
      this.#failure = undefined;
      if (isSettled) this.#next.afterSuccess(clock.monotonic() - began, isAnnounced ? undefined : unannouncedMs);
      else this.#next.afterFailure();
      onReload('ok');
      logger.debug('schema read', { relations: model.relations.size, functions: model.functions.size });
      return this.#current;
    } catch (error) {
      this.#failure = reasonOf(error);
      this.#pauseSince(readAt);
      this.#next.afterFailure();
      onReload('failed');
      logger.error('schema could not be read', { reason: this.#failure, error });
      if (isTimeout(error)) onTimeout?.();
      throw error instanceof ReactorError ? error : schemaUnavailable(error);
    }
  }

  /** What follows `#current`: the same models again where nothing has changed. */
  #succeed(model: SchemaModel, exposed: string, readAt: number): CachedSchema {
    const before = this.#current;
    const fingerprint = `${exposed} ${model.quiet}`;
    if (before?.fingerprint === fingerprint) return { ...before, readAt };
    this.#falseAlarm = false;
    const numbered = { ...model, generation: (before?.model.generation ?? 0) + 1 };
    return { model: numbered, systemModel: unrestricted(numbered), exposed, fingerprint, readAt };
  }
}

/** One reading sees what is committed while it runs: an object may go away under it. */
async function readSettled(database: Database, attempts = 3): Promise<SchemaReading> {
  try {
    return await readSchema(database, EXPOSED_SCHEMA);
  } catch (error) {
    if (attempts === 1 || !isSqlError(error) || !isOfStaleSchema(error)) throw error;
    return readSettled(database, attempts - 1);
  }
}

/** At a start while privileges cannot be settled: tables have policies, functions may be open to everybody. */
function withoutFunctions({ model, fingerprint }: SchemaReading): SchemaReading {
  return { model: { ...model, functions: new Map() }, fingerprint: `${fingerprint} without functions` };
}

function isSchemaUnavailable(error: unknown): boolean {
  return error instanceof ReactorError && error.code === 'schema_unavailable';
}

/** Policies do not bind the operator, so nothing is lost where there are none. */
function unrestricted(model: SchemaModel): SchemaModel {
  const relations = new Map(
    Array.from(model.relations.values(), (relation): [string, Relation] => [
      relation.name,
      { ...relation, rowSecurity: true, securityInvoker: relation.kind === 'view' },
    ]),
  );
  return { ...model, relations };
}

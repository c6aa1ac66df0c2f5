import type { Clock, Database, Logger, Subscription } from '@reactor/core';
import { introspect } from './introspect.js';
import { isEnforced, type Relation, type SchemaModel } from './model.js';

/** Who changes the schema of a running app says so on this channel: the event trigger, the migrations, an operator. */
export const SCHEMA_CHANNEL = 'reactor_data';
/** The schema whose tables and functions are served. */
export const EXPOSED_SCHEMA = 'public';

/**
 * Requests that ask for what is not there make the cache look anew, at most this often: somebody who guesses names must
 * not keep the catalog busy. In milliseconds.
 */
const MISS_INTERVAL_MS = 1_000;

/** One reading of the schema. */
export interface CachedSchema {
  readonly model: SchemaModel;
  /** The same for the operator, whom a table without row-level security is not kept from. */
  readonly systemModel: SchemaModel;
  /** Monotonic milliseconds when the reading began. */
  readonly readAt: number;
}

export interface SchemaCacheOptions {
  readonly database: Database;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly onReload: (result: 'ok' | 'failed') => void;
}

/**
 * The schema as it was last read. A reload swaps it as a whole: a request goes on with the one that it began with.
 */
export class SchemaCache {
  readonly #options: SchemaCacheOptions;
  #current: CachedSchema | undefined;
  #subscription: Subscription | undefined;
  #running: Promise<CachedSchema> | undefined;
  #queued: Promise<CachedSchema> | undefined;
  #lastMiss = Number.NEGATIVE_INFINITY;

  constructor(options: SchemaCacheOptions) {
    this.#options = options;
  }

  /** Reads the schema and listens for changes. @throws what the database throws */
  async start(): Promise<void> {
    await this.reload();
    this.#subscription ??= this.#options.database.listen(SCHEMA_CHANNEL, () => {
      // What fails is counted and logged; the next change or miss tries again.
      this.reload().catch(() => {});
    });
  }

  async stop(): Promise<void> {
    await this.#subscription?.stop();
    this.#subscription = undefined;
    await Promise.allSettled([this.#running, this.#queued]);
  }

  /** The schema; read now when it has not been. @throws what the database throws */
  async get(): Promise<CachedSchema> {
    return this.#current ?? this.reload();
  }

  /** The schema as it was last read, without reading it; undefined when it never was. */
  peek(): CachedSchema | undefined {
    return this.#current;
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
   * @throws what the database throws; the schema that was there stays
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

  /** What to try with when `seen` misses something: a newer schema, or undefined when there is none to be had now. */
  async afterMiss(seen: CachedSchema): Promise<CachedSchema | undefined> {
    if (this.#current !== seen) return this.#current;
    const now = this.#options.clock.monotonic();
    if (now - this.#lastMiss < MISS_INTERVAL_MS) return undefined;
    this.#lastMiss = now;
    return this.reload();
  }

  async #read(): Promise<CachedSchema> {
    const { database, clock, logger, onReload } = this.#options;
    const readAt = clock.monotonic();
    try {
      const model = await introspect(database, EXPOSED_SCHEMA);
      this.#current = { model, systemModel: unrestricted(model), readAt };
      onReload('ok');
      logger.debug('schema read', { relations: model.relations.size, functions: model.functions.size });
      return this.#current;
    } catch (error) {
      onReload('failed');
      logger.warn('schema could not be read', { error });
      throw error;
    }
  }
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

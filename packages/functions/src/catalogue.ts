import { type Clock, type Database, type Subscription, settledBefore } from '@reactor/core';
import type { LiveFunction } from './deployment.js';
import type { EnvironmentValues } from './runtime/messages.js';

/** Subject of the event for each change of a function; its payload is the name. */
export const CHANGED = 'functions.changed';

export interface CatalogueOptions {
  readonly database: Pick<Database, 'events'>;
  readonly clock: Clock;
  live(name: string): Promise<LiveFunction | undefined>;
  environment(fn: LiveFunction): Promise<EnvironmentValues>;
  /** Told of a function that calls have found and that has changed since, as they found it. */
  onChange(before: LiveFunction): void;
}

/** Milliseconds after which it is asked again, also where no event told of a change: events are hints. */
const MAX_AGE_MS = 10_000;
/** A database that runs answers far sooner; one that does not must not hold up what is known. */
const PATIENCE_MS = 250;
/** Names that are remembered; the one that was read first goes. */
const MAX_ENTRIES = 1_000;

const NONE: EnvironmentValues = { revision: 0, values: {} };

interface Entry {
  /** Monotonic milliseconds. */
  readAt: number;
  readonly found: Promise<LiveFunction | undefined>;
  environment: Promise<EnvironmentValues> | undefined;
  /** While it is asked again. */
  refreshed: Promise<void> | undefined;
}

/** What calls ask of functions, remembered until something changes. */
export class Catalogue {
  readonly #options: CatalogueOptions;
  readonly #entries = new Map<string, Entry>();
  #subscription: Subscription | undefined;

  constructor(options: CatalogueOptions) {
    this.#options = options;
  }

  start(): void {
    this.#subscription ??= this.#options.database.events.subscribe(CHANGED, (event) => {
      if (event.kind === 'event') this.forget(event.payload);
      // Something may have been missed: each is asked again before it answers.
      else for (const entry of this.#entries.values()) entry.readAt = Number.NEGATIVE_INFINITY;
    });
  }

  async stop(): Promise<void> {
    await this.#subscription?.stop();
    this.#subscription = undefined;
  }

  /** Undefined when there is no such function. */
  async find(name: string): Promise<LiveFunction | undefined> {
    return (await this.#entry(name)).found;
  }

  /** Its variables and secrets, opened. @throws ReactorError `secrets_unreadable` (500) */
  async environmentOf(name: string): Promise<EnvironmentValues> {
    const entry = await this.#entry(name);
    entry.environment ??= this.#readEnvironment(entry);
    return entry.environment;
  }

  /** The next call reads it anew; what changes it here calls this, and does not wait for the event. */
  forget(name: string): void {
    const entry = this.#entries.get(name);
    this.#entries.delete(name);
    entry?.found.then(
      (before) => before !== undefined && this.#options.onChange(before),
      // Who had asked for it was told.
      () => {},
    );
  }

  async #readEnvironment(entry: Entry): Promise<EnvironmentValues> {
    try {
      const fn = await entry.found;
      return fn === undefined ? NONE : await this.#options.environment(fn);
    } catch (error) {
      entry.environment = undefined;
      throw error;
    }
  }

  async #entry(name: string): Promise<Entry> {
    const now = this.#options.clock.monotonic();
    const known = this.#entries.get(name);
    if (known === undefined) return this.#read(name, now);
    if (now - known.readAt < MAX_AGE_MS) return known;
    known.refreshed ??= this.#refresh(name, known);
    await settledBefore(known.refreshed, AbortSignal.timeout(PATIENCE_MS));
    if (known.refreshed === undefined) return this.#entries.get(name) ?? known;
    // A database that is away stops no function that is known; the next ones need not wait either.
    known.readAt = now;
    return known;
  }

  #read(name: string, now: number): Entry {
    const entry: Entry = { readAt: now, found: this.#options.live(name), environment: undefined, refreshed: undefined };
    this.#entries.set(name, entry);
    entry.found.catch(() => {
      if (this.#entries.get(name) === entry) this.#entries.delete(name);
    });
    const [first] = this.#entries.keys();
    if (this.#entries.size > MAX_ENTRIES && first !== undefined) this.#entries.delete(first);
    return entry;
  }

  async #refresh(name: string, known: Entry): Promise<void> {
    try {
      const [before, fn] = await Promise.all([known.found, this.#options.live(name)]);
      // Unless it was forgotten meanwhile.
      if (this.#entries.get(name) !== known) return;
      const isSame = fn?.id === before?.id && fn?.environmentRevision === before?.environmentRevision;
      this.#entries.set(name, {
        readAt: this.#options.clock.monotonic(),
        found: Promise.resolve(fn),
        environment: isSame ? known.environment : undefined,
        refreshed: undefined,
      });
      if (before !== undefined && fn?.deployment?.id !== before.deployment?.id) this.#options.onChange(before);
    } catch {
      known.readAt = this.#options.clock.monotonic();
    } finally {
      known.refreshed = undefined;
    }
  }
}

import type { TagsInput } from '../tags.js';
import { type Observation, ObservationContext } from './observation.js';
import type { ObservationConvention, ObservationHandler } from './observation-handler.js';
import type { ObservationRegistry } from './observation-registry.js';

/** What {@link createObservation} makes an observation from. */
export interface ObservationSource {
  /** Name; a convention's name replaces it at start. */
  readonly name?: string;
  /** Must support the context. Wins over the conventions of the registry. */
  readonly convention?: ObservationConvention | null;
  /** Used when neither `convention` nor the registry has one. */
  readonly defaultConvention?: ObservationConvention;
  /** Makes the context, for contexts that carry data of their own. */
  readonly context?: () => ObservationContext;
}

/**
 * An observation that is not started yet, child of the one that is current now. A no-op one when the registry has no
 * handlers or its predicate says no.
 * @throws Error when the chosen convention does not support the context
 */
export function createObservation(registry: ObservationRegistry, source: ObservationSource): Observation {
  if (registry.handlers.length === 0) return new NoopObservation();
  const context = source.context?.() ?? new ObservationContext();
  const convention =
    source.convention ??
    registry.conventions.find((candidate) => candidate.supports(context)) ??
    source.defaultConvention;
  if (convention !== undefined && !convention.supports(context)) {
    throw new Error('the observation convention does not support the context of the observation');
  }
  const name = source.name ?? convention?.name?.(context) ?? '';
  if (registry.predicate?.(name, context) === false) return new NoopObservation();
  context.name = name;
  if (context.parent === undefined) {
    context.parent = registry.current;
    context.parentIsCurrent = true;
  }
  return new LiveObservation(registry, context, convention);
}

class LiveObservation implements Observation {
  readonly isNoop = false;
  private readonly handlers: readonly ObservationHandler[];
  private stopped = false;

  constructor(
    private readonly registry: ObservationRegistry,
    readonly context: ObservationContext,
    private readonly convention: ObservationConvention | undefined,
  ) {
    this.handlers = registry.handlers.filter((handler) => handler.supports?.(context) !== false);
  }

  contextualName(name: string): this {
    this.context.contextualName = name;
    return this;
  }

  lowCardinality(tags: TagsInput): this {
    this.context.addLowCardinality(tags);
    return this;
  }

  highCardinality(tags: TagsInput): this {
    this.context.addHighCardinality(tags);
    return this;
  }

  parent(parent: Observation): this {
    this.context.parent = parent;
    this.context.parentIsCurrent = false;
    return this;
  }

  start(): this {
    const name = this.convention?.name?.(this.context);
    if (name !== undefined && name.trim() !== '') this.context.name = name;
    this.applyKeys();
    notify(this.handlers, (handler) => handler.onStart?.(this.context));
    return this;
  }

  event(name: string): this {
    notify(this.handlers, (handler) => handler.onEvent?.(this.context, name));
    return this;
  }

  error(error: unknown): this {
    this.context.failure = { error };
    notify(this.handlers, (handler) => handler.onError?.(this.context, error));
    return this;
  }

  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.applyKeys();
    const contextualName = this.convention?.contextualName?.(this.context);
    if (contextualName !== undefined && contextualName.trim() !== '') this.context.contextualName = contextualName;
    notify([...this.handlers].reverse(), (handler) => handler.onStop?.(this.context));
  }

  run<R>(work: () => R): R {
    return this.registry.run(this, work);
  }

  private applyKeys(): void {
    const { convention, context } = this;
    if (convention?.lowCardinality !== undefined) context.addLowCardinality(convention.lowCardinality(context));
    if (convention?.highCardinality !== undefined) context.addHighCardinality(convention.highCardinality(context));
  }
}

/** Calls every handler, whatever the others do, and then throws the first failure. */
function notify(handlers: readonly ObservationHandler[], call: (handler: ObservationHandler) => void): void {
  const failures: unknown[] = [];
  for (const handler of handlers) {
    try {
      call(handler);
    } catch (failure) {
      failures.push(failure);
    }
  }
  if (failures.length > 0) throw failures[0];
}

class NoopObservation implements Observation {
  readonly context = new ObservationContext();
  readonly isNoop = true;

  contextualName(): this {
    return this;
  }

  lowCardinality(): this {
    return this;
  }

  highCardinality(): this {
    return this;
  }

  parent(): this {
    return this;
  }

  start(): this {
    return this;
  }

  event(): this {
    return this;
  }

  error(): this {
    return this;
  }

  stop(): void {}

  run<R>(work: () => R): R {
    return work();
  }
}

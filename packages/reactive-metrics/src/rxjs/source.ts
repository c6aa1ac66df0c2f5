import { Observable, type Subscriber, type TeardownLogic } from 'rxjs';
import { annotate, type StreamMetadata } from '../stream/discovery.js';

/** What sits between a stream and its subscriber: the shape of RxJS 7's operators. */
export interface StreamOperator<T> {
  call(subscriber: Subscriber<T>, source: Observable<T>): TeardownLogic;
}

/** @throws TypeError naming `operator` when `source` is nothing that can be subscribed to */
export function assertObservable(operator: string, source: unknown): void {
  const subscribe = typeof source === 'object' && source !== null && (source as { subscribe?: unknown }).subscribe;
  if (typeof subscribe !== 'function') {
    const what = source === null ? 'null' : typeof source === 'object' ? errorlessName(source) : typeof source;
    throw new TypeError(`${operator} can only be applied to an Observable, got ${what}`);
  }
}

/** A new stream over `source` through `operator`; with `metadata` when the stream is there to carry it. */
export function connect<T>(
  source: Observable<T>,
  operator: StreamOperator<T>,
  metadata?: StreamMetadata,
): Observable<T> {
  // `lift` keeps the chain walkable and gives a Subject's stream the class RxJS's own operators give it. A foreign
  // Observable without it gets a plain one of ours.
  const stream =
    typeof source.lift === 'function'
      ? source.lift(operator)
      : new Observable<T>((subscriber) => operator.call(subscriber, source));
  return metadata === undefined ? stream : annotate(stream, metadata);
}

function errorlessName(value: object): string {
  return Object.prototype.toString.call(value);
}

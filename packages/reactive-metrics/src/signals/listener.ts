import type { Tags } from '../tags.js';

/** `Mono` sources give at most one value; the flow is over at that value. */
export type StreamType = 'Flux' | 'Mono';

/** What is known of a stream where a tap was attached. */
export interface StreamIdentity {
  /** The given or discovered name, else the default of the operator. */
  readonly name: string;
  /** Whether the stream was named, rather than given the default name. */
  readonly named: boolean;
  readonly type: StreamType;
  /** Tags given to the stream; `type` is not among them. */
  readonly tags: Tags;
}

/** How a subscription came to its end. */
export type SignalEnd = 'complete' | 'error' | 'cancel';

/** Runs the two directions of a subscription in contexts of their own. */
export interface SignalScope {
  /** Wraps the subscription to the source: what runs inside is upstream of the tap. */
  runUpstream<R>(work: () => R): R;
  /** Wraps each signal on its way to the subscriber: what runs inside is downstream of the tap. */
  runDownstream<R>(work: () => R): R;
}

/**
 * Watches one subscription. Methods are called in the order they are listed here, each before the signal moves on,
 * unless its name says otherwise.
 */
export interface SignalListener<T> {
  /** Before anything else; the source has not been contacted. */
  doFirst?(): void;
  /** After `doFirst`: gives the contexts that the source and the subscriber shall run in. */
  openScope?(): SignalScope | undefined;
  /** Right before the source is subscribed to. */
  doOnSubscription?(): void;
  /** Demand for `amount` (> 0) more values. Only carriers that have demand call it; RxJS has none. */
  doOnRequest?(amount: number): void;
  doOnNext?(value: T): void;
  doOnComplete?(): void;
  doOnError?(error: unknown): void;
  doOnCancel?(): void;
  /** The subscriber has handled the completion. */
  doAfterComplete?(): void;
  /** The subscriber has handled the error. */
  doAfterError?(error: unknown): void;
  /** Last call of a well-behaved subscription. */
  doFinally?(end: SignalEnd): void;
  /** A value from a source that had already ended. The subscriber does not get it. */
  doOnMalformedOnNext?(value: T): void;
  /** An error from a source that had already ended. The subscriber does not get it. */
  doOnMalformedOnError?(error: unknown): void;
  /** A completion from a source that had already ended. The subscriber does not get it. */
  doOnMalformedOnComplete?(): void;
  /** A method of this listener threw. Without this method the failure goes to the console. */
  handleListenerError?(failure: unknown): void;
}

/** Makes the listener of one subscription; called again for each. */
export type SignalListenerFactory<T> = (stream: StreamIdentity) => SignalListener<T>;

import type { SignalListener, SignalScope } from './listener.js';

/**
 * The state of one subscription, whatever carries it: decides which signals count, in which order the listener hears
 * of them, and what happens when the listener itself throws. Knows no streaming library.
 *
 * The carrier calls the method of a signal first and passes the signal on if the answer is `true`.
 */
export class SignalFlow<T> {
  /** Set by {@link start} when the listener wants contexts of its own. */
  scope: SignalScope | undefined;
  private started = false;
  // The source's end, not the carrier's: a carrier is also closed after a cancellation, and signals after that are
  // nothing to complain about.
  private ended = false;
  private cancelled = false;

  /** @param fail ends the subscription with an error of the listener: cancel the source, tell the subscriber */
  constructor(
    private readonly listener: SignalListener<T>,
    private readonly fail: (failure: unknown) => void,
  ) {}

  /** Whether the source may be contacted now. */
  start(): boolean {
    try {
      this.listener.doFirst?.();
    } catch (failure) {
      return this.abort(failure);
    }
    try {
      this.scope = this.listener.openScope?.();
    } catch (cause) {
      return this.abort(new Error('the signal listener could not open its scope', { cause }));
    }
    this.started = true;
    try {
      this.listener.doOnSubscription?.();
    } catch (failure) {
      return this.abort(failure);
    }
    return true;
  }

  /** Demand; amounts that are not positive are no demand. */
  request(amount: number): void {
    if (!(amount > 0) || this.ended || this.cancelled) return;
    try {
      this.listener.doOnRequest?.(amount);
    } catch (failure) {
      this.abort(failure);
    }
  }

  next(value: T): boolean {
    if (this.ended || this.cancelled) {
      if (this.ended) this.late(() => this.listener.doOnMalformedOnNext?.(value));
      return false;
    }
    try {
      this.listener.doOnNext?.(value);
      return true;
    } catch (failure) {
      return this.abort(failure);
    }
  }

  complete(): boolean {
    if (this.ended || this.cancelled) {
      if (this.ended) this.late(() => this.listener.doOnMalformedOnComplete?.());
      return false;
    }
    this.ended = true;
    try {
      this.listener.doOnComplete?.();
      return true;
    } catch (failure) {
      return this.abort(failure);
    }
  }

  error(error: unknown): boolean {
    if (this.ended || this.cancelled) {
      if (this.ended) this.late(() => this.listener.doOnMalformedOnError?.(error));
      return false;
    }
    this.ended = true;
    try {
      this.listener.doOnError?.(error);
      return true;
    } catch (failure) {
      return this.abort(new AggregateError([failure, error], 'the signal listener failed on an error'));
    }
  }

  /** Call before the cancellation goes to the source. `true` the first time, unless the source ended before. */
  cancel(): boolean {
    if (!this.started || this.ended || this.cancelled) return false;
    this.cancelled = true;
    this.late(() => this.listener.doOnCancel?.());
    return true;
  }

  /** Call when the subscriber has handled the completion that {@link complete} let through. */
  afterComplete(): void {
    this.late(() => {
      this.listener.doAfterComplete?.();
      this.listener.doFinally?.('complete');
    });
  }

  /** Call when the subscriber has handled the error that {@link error} let through. */
  afterError(error: unknown): void {
    this.late(() => {
      this.listener.doAfterError?.(error);
      this.listener.doFinally?.('error');
    });
  }

  /** Call when the source has handled the cancellation. */
  afterCancel(): void {
    this.late(() => this.listener.doFinally?.('cancel'));
  }

  /** The subscription ends here, with a failure of the listener as its error. */
  private abort(failure: unknown): false {
    // Ended by us, not by the source: what it still sends is not malformed.
    this.cancelled = true;
    this.report(failure);
    this.fail(failure);
    return false;
  }

  /** Calls the listener where no subscriber is left to tell of its failure. */
  private late(call: () => void): void {
    try {
      call();
    } catch (failure) {
      this.report(failure);
    }
  }

  private report(failure: unknown): void {
    const { listener } = this;
    if (listener.handleListenerError === undefined) {
      console.error('a signal listener failed', failure);
      return;
    }
    try {
      listener.handleListenerError(failure);
    } catch (again) {
      console.error('a signal listener failed while it handled its own failure', again);
    }
  }
}

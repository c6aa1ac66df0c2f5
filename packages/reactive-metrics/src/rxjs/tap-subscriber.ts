import { Subscriber } from 'rxjs';
import type { SignalListener } from '../signals/listener.js';
import { SignalFlow } from '../signals/signal-flow.js';

/**
 * Stands between a source and its subscriber and tells the flow of every signal. It overrides the public methods
 * because RxJS drops signals after the end inside them; each override still calls the inherited one, so that RxJS
 * treats the signal as it would have.
 */
export class TapSubscriber<T> extends Subscriber<T> {
  // Undefined while the base constructor runs: a closed subscriber makes it call `unsubscribe` on us already.
  readonly flow: SignalFlow<T> | undefined;

  constructor(subscriber: Subscriber<T>, listener: SignalListener<T>) {
    super(subscriber);
    this.flow = new SignalFlow(listener, (failure) => super.error(failure));
  }

  override next(value: T): void {
    const { flow } = this;
    flow?.next(value);
    if (flow?.scope === undefined) super.next(value);
    else flow.scope.runDownstream(() => super.next(value));
  }

  override error(error: unknown): void {
    const { flow } = this;
    const passed = flow?.error(error);
    try {
      if (flow?.scope === undefined) super.error(error);
      else flow.scope.runDownstream(() => super.error(error));
    } finally {
      if (passed) flow?.afterError(error);
    }
  }

  override complete(): void {
    const { flow } = this;
    const passed = flow?.complete();
    try {
      if (flow?.scope === undefined) super.complete();
      else flow.scope.runDownstream(() => super.complete());
    } finally {
      if (passed) flow?.afterComplete();
    }
  }

  override unsubscribe(): void {
    const { flow } = this;
    const cancelled = flow?.cancel();
    try {
      super.unsubscribe();
    } finally {
      if (cancelled) flow?.afterCancel();
    }
  }
}

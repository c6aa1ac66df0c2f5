import type { MonoTypeOperatorFunction, Observable, Subscribable, Subscriber, TeardownLogic } from 'rxjs';
import type { FailureReporter } from '../failure-reporter.js';
import type { SignalListener, SignalListenerFactory, StreamIdentity } from '../signals/listener.js';
import type { SignalFlow } from '../signals/signal-flow.js';
import { discover } from '../stream/discovery.js';
import { identify } from '../stream/identity.js';
import type { StreamOptions } from '../stream/options.js';
import { assertObservable, connect, type StreamOperator } from './source.js';
import { TapSubscriber } from './tap-subscriber.js';

/**
 * Attaches a listener to a point of a stream; `listener` is called for each subscription. An error it throws ends the
 * subscription with that error, for it is your code as much as a `map` callback.
 */
export function tapSignals<T>(listener: SignalListenerFactory<T>): MonoTypeOperatorFunction<T> {
  if (typeof listener !== 'function') throw new TypeError('tapSignals needs a function that makes a listener');
  return (source) => {
    const stream = identifySource('tapSignals', source, {}, 'reactor');
    return connect(source, new TapOperator<T>(() => listener(stream)));
  };
}

/**
 * What the stream at `source` is called. Warns when the stream does not show its origin and nobody said its name.
 * @throws TypeError when `source` is no Observable
 */
export function identifySource(
  operator: string,
  source: unknown,
  options: StreamOptions,
  fallback: string,
): StreamIdentity {
  assertObservable(operator, source);
  const discovered = discover(source as object);
  const stream = identify(options, discovered, fallback);
  if (!discovered.inspectable && !stream.named) {
    console.warn(
      `${operator}: this Observable does not show what it was made from, so a name above it cannot be found; ` +
        `using "${fallback}". Give it a name right above ${operator} or in its options.`,
    );
  }
  return stream;
}

/** Demand told to the flow by code that knows it. */
export interface DemandSource {
  readonly amounts: Subscribable<number>;
  readonly report: FailureReporter;
}

/** Puts a {@link TapSubscriber} with a new listener into each subscription. */
export class TapOperator<T> implements StreamOperator<T> {
  constructor(
    private readonly createListener: () => SignalListener<T>,
    private readonly demand?: DemandSource,
  ) {}

  call(subscriber: Subscriber<T>, source: Observable<T>): TeardownLogic {
    let tap: TapSubscriber<T>;
    try {
      tap = new TapSubscriber(subscriber, this.createListener());
    } catch (failure) {
      subscriber.error(failure);
      return;
    }
    const { flow } = tap;
    if (flow === undefined || !flow.start()) return tap;
    // The subscriber was closed before it came here, which closed the tap before there was a flow to tell.
    if (tap.closed && flow.cancel()) flow.afterCancel();
    if (this.demand !== undefined) follow(this.demand, tap, flow);
    try {
      if (flow.scope === undefined) source.subscribe(tap);
      else flow.scope.runUpstream(() => source.subscribe(tap));
    } catch (error) {
      tap.error(error);
    }
    return tap;
  }
}

function follow<T>({ amounts, report }: DemandSource, tap: TapSubscriber<T>, flow: SignalFlow<T>): void {
  try {
    const following = amounts.subscribe({
      next: (amount) => flow.request(amount),
      error: report,
      complete: () => {},
    });
    tap.add(() => following.unsubscribe());
  } catch (failure) {
    report(failure);
  }
}

import {
  type MeterRegistry,
  metrics,
  name,
  type ObservationRegistry,
  observation,
  tag,
  timedScheduler,
} from '@reactor/reactive-metrics';
import { asyncScheduler, defer, Observable, of, type SchedulerLike, throwError } from 'rxjs';
import { concatMap, delay, retry, share } from 'rxjs/operators';

/** One reading of a sensor. */
export interface Reading {
  readonly sensor: string;
  readonly celsius: number;
}

/** Options of {@link temperatureFeed}. */
export interface FeedOptions {
  readonly registry: MeterRegistry;
  readonly observations: ObservationRegistry;
  /** Milliseconds between two readings of the device. */
  readonly period: number;
  /** The connection breaks after this many readings, and is made again. */
  readonly readingsPerConnection: number;
  /** What the timers run on; a virtual one in a test. */
  readonly scheduler?: SchedulerLike;
}

/** The connection to the sensors was lost. */
export class ConnectionLost extends Error {}

/**
 * Readings of a device whose connection breaks now and then, shared by every consumer. Three points of it are measured:
 * `device` above the retry sees each connection, `readings` below the share sees each consumer, and `store` is one
 * observation per reading that is written.
 */
export function temperatureFeed(options: FeedOptions) {
  const { registry, observations, period, readingsPerConnection, scheduler = asyncScheduler } = options;
  const timed = timedScheduler(scheduler, registry, 'feed', { device: 'roof' });

  const device = new Observable<Reading>((subscriber) => {
    let sent = 0;
    return timed.schedulePeriodically(
      () => {
        if (sent === readingsPerConnection) subscriber.error(new ConnectionLost('no answer'));
        else subscriber.next({ sensor: sent % 2 === 0 ? 'north' : 'south', celsius: 20 + (sent % 5) });
        sent += 1;
      },
      period,
      period,
    );
  });

  const readings = device.pipe(
    name('device'),
    tag('device', 'roof'),
    // Errors go by their class here; a minified build would change it.
    metrics(registry, { exceptionName: (error) => (error instanceof ConnectionLost ? 'ConnectionLost' : 'Other') }),
    retry(),
    share(),
  );

  const store = (reading: Reading) =>
    defer(() => (reading.celsius > 23 ? throwError(() => new RangeError('too hot')) : of(reading))).pipe(
      delay(1, timed),
      name('store'),
      tag('sensor', reading.sensor),
      observation(observations),
    );

  return {
    /** What one consumer gets; each subscription is counted. */
    readings: () => readings.pipe(name('readings'), metrics(registry)),
    /** Writes readings one after another, trying again when one is refused and giving it up then. */
    stored: () =>
      readings.pipe(
        concatMap((reading) => store(reading).pipe(retry(1))),
        retry(),
        name('stored'),
        metrics(registry),
      ),
    /** Stops the device and everything that waits. */
    stop: () => timed.dispose(),
  };
}

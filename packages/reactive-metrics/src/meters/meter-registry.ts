import type { Clock } from '../clock.js';
import type { TagsInput } from '../tags.js';

/** A number that only grows. */
export interface Counter {
  /** Adds `amount`, 1 by default. Amounts that are not positive are ignored. */
  increment(amount?: number): void;
}

/** How often something happened, how long it took in all, and the longest of late. */
export interface Timer {
  /**
   * Adds one duration. Negative ones are ignored.
   * @param duration nanoseconds
   * @param at the registry clock's reading now; pass it when you just read the clock, to save reading it twice
   */
  record(duration: number, at?: number): void;
}

/** Like {@link Timer}, for amounts that are not durations. */
export interface DistributionSummary {
  /**
   * Adds one amount. Negative ones are ignored.
   * @param at the registry clock's reading now, when the caller just read it
   */
  record(amount: number, at?: number): void;
}

/** One running task of a {@link LongTaskTimer}. */
export interface LongTaskSample {
  /**
   * Ends the task; it leaves no trace in the timer. Stopping again changes nothing.
   * @param at the registry clock's reading now, when the caller just read it
   * @returns the task's age when it was first stopped, in nanoseconds
   */
  stop(at?: number): number;
}

/** What is running right now: how many tasks, their summed age, the age of the oldest. */
export interface LongTaskTimer {
  /** @param at the registry clock's reading now, when the caller just read it */
  start(at?: number): LongTaskSample;
}

/** What a backend may show beside a meter's numbers. The first caller's wins. */
export interface MeterOptions {
  /** One sentence saying what the meter measures. */
  readonly description?: string;
  /** Unit of a summary's amounts; timers always are nanoseconds here and whatever the backend prefers outside. */
  readonly baseUnit?: string;
  /** Keys that every meter of this name carries and a backend writes out even when their value is empty. */
  readonly requiredKeys?: readonly string[];
}

/**
 * Where meters live. A meter is its name plus its tag set: asking again gives the same one, asking for the same name
 * as another type throws a TypeError.
 */
export interface MeterRegistry {
  /** Every duration recorded in this registry is a difference of two readings of this clock. */
  readonly clock: Clock;
  counter(name: string, tags?: TagsInput, options?: MeterOptions): Counter;
  timer(name: string, tags?: TagsInput, options?: MeterOptions): Timer;
  summary(name: string, tags?: TagsInput, options?: MeterOptions): DistributionSummary;
  longTaskTimer(name: string, tags?: TagsInput, options?: MeterOptions): LongTaskTimer;
}

/** The four meter types. */
export type MeterKind = 'counter' | 'timer' | 'summary' | 'longTaskTimer';

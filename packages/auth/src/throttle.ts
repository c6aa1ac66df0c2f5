import { isIPv6 } from 'node:net';
import { type Clock, coreErrors } from '@reactor/core';

export interface ThrottleOptions {
  /** Hits allowed per key and window. */
  readonly limit: number;
  readonly windowMs: number;
  /** Keys remembered at once; past it the one that has waited longest is forgotten. */
  readonly maxKeys: number;
}

/** Counts hits per key in fixed windows, in bounded memory. One per process: two servers allow twice as much. */
export class Throttle {
  readonly #options: ThrottleOptions;
  readonly #clock: Clock;
  /** In the order the windows began, so the first is the next to end. */
  readonly #windows = new Map<string, { hits: number; readonly endsAt: number }>();

  constructor(options: ThrottleOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /**
   * Counts one hit.
   * @throws ReactorError `too_many_requests` (429) with `Retry-After` when the window is used up
   */
  hit(key: string): void {
    const now = this.#clock.monotonic();
    const present = this.#windows.get(key);
    if (present !== undefined && present.endsAt > now) {
      if (present.hits >= this.#options.limit) throw tooMany((present.endsAt - now) / 1000);
      present.hits += 1;
      return;
    }
    this.#windows.delete(key);
    this.#makeRoom(now);
    this.#windows.set(key, { hits: 1, endsAt: now + this.#options.windowMs });
  }

  /** Starts the key over. */
  forgive(key: string): void {
    this.#windows.delete(key);
  }

  /** Keys remembered. */
  get size(): number {
    return this.#windows.size;
  }

  #makeRoom(now: number): void {
    for (const [key, { endsAt }] of this.#windows) {
      if (endsAt > now && this.#windows.size < this.#options.maxKeys) return;
      this.#windows.delete(key);
    }
  }
}

function tooMany(seconds: number) {
  const retryAfter = Math.max(1, Math.ceil(seconds));
  return coreErrors.create.too_many_requests(`Too many attempts; try again in ${retryAfter} s.`, {
    headers: { 'Retry-After': String(retryAfter) },
  });
}

/** What a limit per address counts: an IPv4 address, or the /64 of an IPv6 one, which is what one subscriber gets. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = (address.split('%', 1)[0] ?? '').split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

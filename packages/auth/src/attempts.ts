import { type Clock, ReactorError, toReactorError } from '@reactor/core';
import { authErrors } from './errors.js';
import type { AttemptKind, AuthMetrics } from './metrics.js';
import type { Slots } from './slots.js';
import { networkOf, Throttle } from './throttle.js';

/** Sixty a minute from one address: an office behind one NAT gets by, guessing at scale does not. */
const PER_ADDRESS = { limit: 60, windowMs: 60_000, maxKeys: 50_000 };

/**
 * Ten wrong passwords in five minutes for one account, from wherever. Short on purpose: a longer lock would let anyone
 * keep an owner out.
 */
const PER_ACCOUNT = { limit: 10, windowMs: 300_000, maxKeys: 50_000 };

/** RFC 5321 §4.5.3.1.3, less the angle brackets. */
const MAX_EMAIL_LENGTH = 254;

export interface Attempt {
  readonly kind: AttemptKind;
  /** Absent where the surrounding app does not tell; then only the account counts. */
  readonly address?: string | undefined;
  /** The e-mail address tried. Absent: the account is not what is being guessed. */
  readonly account?: string | undefined;
}

export interface AttemptsOptions {
  readonly metrics: AuthMetrics;
  readonly clock: Clock;
  /** Shared by all tenants: there is one pool of threads. */
  readonly hashing: Slots;
}

/** Where every attempt at a password passes: limited, counted, and not too many at once. */
export class Attempts {
  readonly #metrics: AuthMetrics;
  readonly #accounts: Throttle;
  readonly #addresses: Readonly<Record<AttemptKind, Throttle>>;
  readonly #hashing: Slots;

  constructor({ metrics, clock, hashing }: AttemptsOptions) {
    this.#metrics = metrics;
    this.#hashing = hashing;
    this.#accounts = new Throttle(PER_ACCOUNT, clock);
    this.#addresses = {
      sign_in: new Throttle(PER_ADDRESS, clock),
      sign_up: new Throttle(PER_ADDRESS, clock),
      password_change: new Throttle(PER_ADDRESS, clock),
    };
  }

  /** @throws ReactorError `too_many_requests` (429), or what `work` throws */
  async run<T>({ kind, address, account }: Attempt, work: () => Promise<T>): Promise<T> {
    try {
      if (address !== undefined) this.#addresses[kind].hit(networkOf(address));
      const key = account !== undefined && account.length <= MAX_EMAIL_LENGTH ? account.toLowerCase() : undefined;
      // Counted before the password is looked at: attempts made at once must not all see a low count.
      if (key !== undefined) this.#accounts.hit(key);
      const result = await this.#hashing.run(kind === 'sign_in' ? () => withoutPolicy(work) : work);
      if (key !== undefined) this.#accounts.forgive(key);
      this.#metrics.attempted(kind);
      return result;
    } catch (error) {
      this.#metrics.attempted(kind, toReactorError(error));
      throw error;
    }
  }
}

/** A password longer than new ones may be is, at sign-in, simply wrong. */
async function withoutPolicy<T>(signIn: () => Promise<T>): Promise<T> {
  try {
    return await signIn();
  } catch (error) {
    if (!(error instanceof ReactorError) || error.code !== 'weak_password') throw error;
    throw authErrors.create.invalid_credentials('Invalid email or password', { cause: error });
  }
}

import type { Principal } from '@reactor/core';

/** Some 2 kB each: 8 MB when full. */
const MAX_TOKENS = 4_096;

interface Verified {
  readonly principal: Principal;
  /** Seconds since the epoch, the token's `exp`. */
  readonly expiresAt: number;
}

/**
 * Tokens whose signature and claims were found good, so that each is verified once and not with every request: checking
 * an ES256 signature takes as long as everything else a small request does. What is remembered was good under certain
 * keys and is forgotten with them.
 */
export class VerifiedTokens {
  readonly #byToken = new Map<string, Verified>();
  #keys: object | undefined;

  /** @param keys those that verify now; the same object until they are read again */
  find(token: string, keys: object | undefined, nowMs: number): Principal | undefined {
    if (keys === undefined || keys !== this.#keys) return undefined;
    const verified = this.#byToken.get(token);
    if (verified === undefined) return undefined;
    if (verified.expiresAt > Math.floor(nowMs / 1_000)) return verified.principal;
    this.#byToken.delete(token);
    return undefined;
  }

  remember(token: string, keys: object, verified: Verified): void {
    if (keys !== this.#keys) {
      this.#byToken.clear();
      this.#keys = keys;
    }
    if (this.#byToken.size >= MAX_TOKENS) {
      const [oldest] = this.#byToken.keys();
      if (oldest !== undefined) this.#byToken.delete(oldest);
    }
    this.#byToken.set(token, verified);
  }
}

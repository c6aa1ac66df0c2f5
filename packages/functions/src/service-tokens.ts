import { hkdfSync } from 'node:crypto';
import { type Clock, coreErrors, type Logger, type SystemPrincipal } from '@reactor/core';
import { decodeProtectedHeader, jwtVerify, SignJWT } from 'jose';
import type { Catalogue } from './catalogue.js';

export interface FunctionTokensOptions {
  readonly secret: string;
  readonly formerSecrets: readonly string[];
  readonly catalogue: Pick<Catalogue, 'find'>;
  /** Each use is a line of it. */
  readonly audit: Logger;
  readonly clock: Clock;
}

/** The kind of token, by which it is told from those of users before anything is verified. */
const TYPE = 'reactor-function+jwt';
const ISSUER = 'reactor:functions';
const PREFIX = 'function:';
/** A call lasts no longer. */
const LIFETIME_SECONDS = 300;

/** Tokens by which functions call the server in their own name. */
export class FunctionTokens {
  readonly #options: FunctionTokensOptions;
  readonly #keys: readonly Uint8Array[];

  constructor(options: FunctionTokensOptions) {
    this.#options = options;
    // The first one signs; all of them verify.
    this.#keys = [options.secret, ...options.formerSecrets].map(keyOf);
  }

  async sign(name: string): Promise<string> {
    const now = Math.floor(this.#options.clock.now() / 1000);
    return new SignJWT({})
      .setProtectedHeader({ alg: 'HS256', typ: TYPE })
      .setIssuer(ISSUER)
      .setSubject(PREFIX + name)
      .setIssuedAt(now)
      .setExpirationTime(now + LIFETIME_SECONDS)
      .sign(this.#keys[0] as Uint8Array);
  }

  /**
   * Undefined for a token of another kind.
   * @param requestId of the request that brought it
   * @throws ReactorError `invalid_token` (401), also when the function is gone or has no right of its own any more
   */
  async verify(token: string, requestId?: string): Promise<SystemPrincipal | undefined> {
    if (!isOurs(token)) return undefined;
    const name = await this.#nameIn(token);
    const fn = name === undefined ? undefined : await this.#options.catalogue.find(name);
    if (fn?.deployment?.settings.service !== true) {
      throw coreErrors.create.invalid_token('The token of this function is not accepted any more.', {
        headers: { 'WWW-Authenticate': 'Bearer' },
      });
    }
    this.#options.audit.info('token of a function accepted', {
      function: fn.name,
      version: fn.deployment.version,
      ...(requestId === undefined ? {} : { request_id: requestId }),
    });
    return { kind: 'system', function: fn.name };
  }

  async #nameIn(token: string): Promise<string | undefined> {
    const currentDate = new Date(this.#options.clock.now());
    for (const key of this.#keys) {
      try {
        const rules = { issuer: ISSUER, typ: TYPE, algorithms: ['HS256'], currentDate };
        const { sub } = (await jwtVerify(token, key, rules)).payload;
        return sub?.startsWith(PREFIX) ? sub.slice(PREFIX.length) : undefined;
      } catch {
        // Of another key, expired, or forged: the caller learns no more.
      }
    }
    return undefined;
  }
}

function isOurs(token: string): boolean {
  try {
    return decodeProtectedHeader(token).typ === TYPE;
  } catch {
    return false;
  }
}

function keyOf(secret: string): Uint8Array {
  // Never the key that seals: who could make one use of it must not get the other.
  return new Uint8Array(hkdfSync('sha256', secret, '', 'reactor functions: tokens', 32));
}

import { createHash } from 'node:crypto';
import { type Database, type Logger, type Queryable, reasonOf, SQLSTATE } from '@reactor/core';
import { type ClientConfig, DatabaseError, escapeIdentifier, escapeLiteral } from 'pg';
import { unavailable } from '../database/errors.js';
import type { Login } from '../database/login.js';
import type { DatabaseTarget } from '../database/target.js';
import { lockLogin, loginPassword } from './password.js';
import { scramVerifier } from './scram.js';
import { additions, readLoginState, restrictions } from './state.js';

export interface RequestsLoginOptions {
  /** The pool of the configured login. */
  readonly system: Database;
  readonly target: DatabaseTarget;
  /** As `database.requests_url` has it. */
  readonly own: DatabaseTarget | undefined;
  readonly isEmbedded: boolean;
  readonly logger: Logger;
}

/** As whom the pool `requests` connects. */
export interface RequestsLogin extends Login {
  /** Why callers run on the configured login instead; undefined where they do not. */
  readonly fallback: string | undefined;
  /** What the login is called; undefined until it is known. */
  readonly name: string | undefined;
  /** Whether `database.requests_url` names it. */
  readonly isConfigured: boolean;
}

/** The one of the embedded server, which has one database. */
const EMBEDDED_NAME = 'reactor_requests';

/**
 * A login that may become the request roles and nothing else, so that a function which leaves its role finds nothing
 * there. Made on first use, and once more when the server does not know it any longer; where it cannot be made, requests
 * run on the configured login.
 */
export function createRequestsLogin(options: RequestsLoginOptions): RequestsLogin {
  return new PreparedLogin(options);
}

class PreparedLogin implements RequestsLogin {
  readonly #options: RequestsLoginOptions;
  #clientConfig: ClientConfig;
  #isReady = false;
  #name: string | undefined;
  #fallback: string | undefined;
  #preparing: Promise<void> | undefined;
  #timesRefused = 0;

  constructor(options: RequestsLoginOptions) {
    this.#options = options;
    this.#clientConfig = (options.own ?? options.target).clientConfig;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  get clientConfig(): ClientConfig {
    return this.#clientConfig;
  }

  get name(): string | undefined {
    return this.#name;
  }

  get isConfigured(): boolean {
    return this.#options.own !== undefined;
  }

  get fallback(): string | undefined {
    return this.#fallback;
  }

  prepare(setPassword = false): Promise<void> {
    this.#preparing ??= this.#prepare(setPassword).finally(() => {
      this.#preparing = undefined;
    });
    return this.#preparing;
  }

  async refused(error: unknown, used: ClientConfig): Promise<boolean> {
    await this.#preparing;
    // Others were turned away with it, and one of them has seen to it.
    if (used !== this.#clientConfig) return true;
    if (this.#fallback !== undefined) return false;
    this.#timesRefused += 1;
    if (this.#timesRefused > 1 || this.isConfigured) {
      this.#fallBack(`the server refused their own, ${this.#name} (${reasonOf(error)})`);
    } else {
      // Dropped, or its password changed.
      await this.prepare(true);
    }
    return true;
  }

  accepted(): void {
    this.#timesRefused = 0;
  }

  async #prepare(setPassword: boolean): Promise<void> {
    const { system, target, own, isEmbedded, logger } = this.#options;
    try {
      const name = own?.user ?? (isEmbedded ? EMBEDDED_NAME : await nameFor(system));
      this.#name = name;
      const password = await system.transaction(async (transaction) => {
        await lockLogin(transaction);
        if (own === undefined) return makeLogin(transaction, name, { setPassword, hasPassword: !isEmbedded });
        const rights = await lendHand(transaction, name);
        if (rights !== undefined)
          logger.warn('database.requests_url names a login that may do more than requests', rights);
        return undefined;
      });
      if (own === undefined) {
        this.#clientConfig = target.as(name, password);
        logger.debug('requests have a login of their own', { login: name });
      }
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      if (!isLackOfRights(error)) throw unavailable('The database cannot be reached.', error);
      this.#fallBack(`one of their own could not be made (${error.message})`);
    }
    this.#isReady = true;
  }

  #fallBack(reason: string): void {
    const { logger, target } = this.#options;
    this.#fallback = reason;
    this.#clientConfig = target.clientConfig;
    logger.warn('requests run on the configured login', { reason });
  }
}

/** Roles belong to the whole server: two installations on it must not meet. */
async function nameFor(system: Queryable): Promise<string> {
  const { rows } = await system.query<{ name: string }>('SELECT current_database()::text AS name');
  const digest = createHash('sha256')
    .update(rows[0]?.name ?? '')
    .digest('hex');
  return `reactor_requests_${digest.slice(0, 8)}`;
}

/** @returns its password; undefined where the server asks for none */
async function makeLogin(
  transaction: Queryable,
  name: string,
  { setPassword, hasPassword }: { readonly setPassword: boolean; readonly hasPassword: boolean },
): Promise<string | undefined> {
  const before = await readLoginState(transaction, name);
  if (!before.present) await transaction.query(`CREATE ROLE ${escapeIdentifier(name)} LOGIN NOINHERIT`);
  const state = await readLoginState(transaction, name);
  for (const sql of [...additions(name, state), ...restrictions(name, state)]) await transaction.query(sql);
  if (!hasPassword) return undefined;
  const { password, isNew } = await loginPassword(transaction, name);
  if (isNew || setPassword || !before.present) {
    const verifier = escapeLiteral(scramVerifier(password));
    await transaction.query(`ALTER ROLE ${escapeIdentifier(name)} PASSWORD ${verifier}`);
  }
  return password;
}

/**
 * The administrator has made the login: what it lacks is added where the configured login may, and nothing is taken.
 * @returns what it should not have, for the log
 */
async function lendHand(transaction: Queryable, name: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const state = await readLoginState(transaction, name);
  for (const sql of additions(name, state)) {
    await transaction.query('SAVEPOINT addition');
    // What it may not add, the doctor names.
    await transaction.query(sql).catch(() => transaction.query('ROLLBACK TO SAVEPOINT addition'));
  }
  const { excess, owned } = state;
  return excess.length === 0 && owned === 0 ? undefined : { login: name, attributes: excess, owned_objects: owned };
}

/** Insufficient privilege, invalid grantor: nothing that passes. */
function isLackOfRights({ code = '' }: DatabaseError): boolean {
  return code === SQLSTATE.insufficientPrivilege || code.startsWith('0L');
}

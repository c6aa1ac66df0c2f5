import { coreErrors } from '@reactor/core';
import { functionsErrors } from './errors.js';
import type { SecretBox } from './secrets.js';
import { type EnvironmentStore, type StoredVariable, variableNotFound } from './store/environment.js';
import type { FunctionStore } from './store/functions.js';

/** A variable as it may be shown: a secret without its value. */
export interface ShownVariable {
  readonly key: string;
  /** Undefined of a secret. */
  readonly value: string | undefined;
  readonly isSecret: boolean;
  readonly updatedAt: Date;
}

/** What the variables of functions work on. */
export interface EnvironmentOptions {
  readonly functions: Pick<FunctionStore, 'get'>;
  readonly store: EnvironmentStore;
  readonly secrets: SecretBox;
}

const KEY = /^[A-Z][A-Z0-9_]{0,127}$/;

/** Set by Reactor, by Bun, or by the shell beside the process of a function. */
const RESERVED = /^(?:REACTOR_.*|BUN_.*|PATH|PWD|OLDPWD|SHLVL)$/;

/** In UTF-8: a private key or a list of settings, not a file. */
const MAX_VALUE_BYTES = 65_536;

/** Variables and secrets of functions. */
export class Environment {
  readonly #options: EnvironmentOptions;

  constructor(options: EnvironmentOptions) {
    this.#options = options;
  }

  /** In the order of their names. @throws ReactorError `function_not_found` (404) */
  async list(functionName: string): Promise<readonly ShownVariable[]> {
    const { functions, store } = this.#options;
    const { id } = await functions.get(functionName);
    return (await store.all(id)).map(shown);
  }

  /** @throws ReactorError `function_not_found`, `env_key_not_found` (404) */
  async get(functionName: string, key: string): Promise<ShownVariable> {
    const { functions, store } = this.#options;
    const { id } = await functions.get(functionName);
    const found = KEY.test(key) ? await store.find(id, key) : undefined;
    if (found === undefined) throw variableNotFound();
    return shown(found);
  }

  /**
   * The next call sees it.
   * @throws ReactorError `function_not_found` (404), `env_key_invalid` (400), `invalid_request` (400) for a value that is
   *   too long, is no text, or is one too many
   */
  async set(functionName: string, key: string, value: string, isSecret: boolean): Promise<void> {
    const { functions, store, secrets } = this.#options;
    const { id } = await functions.get(functionName);
    assertKey(key);
    assertValue(value);
    await store.set(id, key, isSecret ? { sealed: secrets.seal(id, key, value) } : { value });
  }

  /** @throws ReactorError `function_not_found`, `env_key_not_found` (404) */
  async delete(functionName: string, key: string): Promise<void> {
    const { functions, store } = this.#options;
    const { id } = await functions.get(functionName);
    if (!KEY.test(key)) throw variableNotFound();
    await store.delete(id, key);
  }
}

function shown({ key, value, sealed, updatedAt }: StoredVariable): ShownVariable {
  return { key, value, isSecret: sealed !== undefined, updatedAt };
}

function assertKey(key: string): void {
  if (!KEY.test(key)) {
    throw functionsErrors.create.env_key_invalid(
      'The name of a variable has 1 to 128 characters A-Z 0-9 _ and begins with a letter.',
    );
  }
  if (RESERVED.test(key)) {
    throw functionsErrors.create.env_key_invalid(
      'These names are set for a function: REACTOR_*, BUN_*, PATH, PWD, OLDPWD, SHLVL.',
    );
  }
}

function assertValue(value: string): void {
  if (Buffer.byteLength(value) > MAX_VALUE_BYTES) {
    throw coreErrors.create.invalid_request(`The value of a variable has at most ${MAX_VALUE_BYTES} bytes.`);
  }
  // PostgreSQL has no text with NUL, and UTF-8 no lone surrogates.
  if (/[\0\p{Surrogate}]/u.test(value)) {
    throw coreErrors.create.invalid_request('The value of a variable must be Unicode text without NUL.');
  }
}

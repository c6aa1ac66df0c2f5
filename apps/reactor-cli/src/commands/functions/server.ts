import { CliError, type Problem } from '../../errors.js';
import { type Client, jsonContent } from '../../http/client.js';

/** A function, as the server tells of it. */
export interface FunctionInfo {
  readonly id: string;
  readonly name: string;
  readonly description?: string | null;
  readonly current_deployment_id?: string | null;
  readonly current_version?: number | null;
  readonly created_at: string;
  readonly updated_at: string;
}

/** A version of a function's code. */
export interface Deployment {
  readonly id: string;
  readonly version: number;
  readonly status: string;
  readonly status_detail?: string | null;
  readonly bundle_sha256: string;
  readonly bundle_size: number;
  /** As in `function.json`, with its defaults. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly created_at: string;
}

/** Which deployment answers since a change, and which did before. */
export interface Promotion {
  readonly previous_deployment_id: string | null;
  readonly current_deployment_id: string;
}

/** A variable; a secret comes without its value. */
export interface Variable {
  readonly key: string;
  readonly value?: string;
  readonly is_secret: boolean;
  readonly last_updated_at: string;
}

/** As many as the server gives at once. */
export const MOST_DEPLOYMENTS = 100;

const NAME = /^[a-z][a-z0-9-]{1,61}[a-z0-9]$/;
const KEY = /^[A-Z][A-Z0-9_]{0,127}$/;

/** What to do where the server knows the function's name, the key or the id not. */
const HINTS_OF_404: Readonly<Record<string, string>> = {
  function_not_found: '"reactor functions list" shows those there are.',
  deployment_not_found: '"reactor functions show <name>" shows those there are.',
  env_key_not_found: '"reactor functions show <name>" shows those there are.',
};

/**
 * Checks a name before it becomes part of an address.
 * @throws CliError `INVALID_ARGUMENT`
 */
export function functionName(name: string): string {
  if (NAME.test(name)) return name;
  throw new CliError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(name)} cannot be the name of a function`,
    'It has 3 to 63 characters a-z 0-9 -, begins with a letter and does not end with a hyphen.',
  );
}

/** @throws CliError `INVALID_ARGUMENT` */
export function variableKey(key: string): string {
  if (KEY.test(key)) return key;
  throw new CliError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(key)} cannot be the name of a variable`,
    'It has up to 128 characters A-Z 0-9 _ and begins with a letter.',
  );
}

/** Path of a function's calls. */
export function callPath(name: string): string {
  return `/fn/v1/${functionName(name)}`;
}

/** The operator's routes of functions. */
export class FunctionsServer {
  readonly #client: Client;
  readonly #signal: AbortSignal;

  constructor(client: Client, signal: AbortSignal) {
    this.#client = client;
    this.#signal = signal;
  }

  async list(): Promise<readonly FunctionInfo[]> {
    return listIn<FunctionInfo>(await this.#read(''), 'functions');
  }

  async get(name: string): Promise<FunctionInfo> {
    return oneOf<FunctionInfo>(await this.#read(`/${functionName(name)}`), 'id');
  }

  /** Makes the function unless it is there. */
  async ensure(name: string): Promise<void> {
    try {
      await this.get(name);
      return;
    } catch (error) {
      if (!isRefusal(error, 'function_not_found')) throw error;
    }
    try {
      await this.#change('POST', '', { name });
    } catch (error) {
      // Somebody else was faster.
      if (!isRefusal(error, 'function_exists')) throw error;
    }
  }

  async remove(name: string): Promise<void> {
    await this.#change('DELETE', `/${functionName(name)}`);
  }

  /** Newest first. */
  async deployments(name: string, limit: number): Promise<readonly Deployment[]> {
    return listIn<Deployment>(await this.#read(`/${functionName(name)}/deployments?limit=${limit}`), 'deployments');
  }

  /** @returns the deployment, and whether it was made now: the same bundle is deployed once */
  async deploy(name: string, archive: AsyncIterable<Uint8Array>) {
    const { status, body } = await this.#asking(() =>
      this.#client.sendJson({
        method: 'POST',
        path: `${ADMIN}/${functionName(name)}/deployments`,
        headers: [['Content-Type', 'application/gzip']],
        body: archive,
      }),
    );
    return { deployment: oneOf<Deployment>(body, 'id'), isNew: status === 201 };
  }

  /** @param id undefined for the newest that is ready */
  async promote(name: string, id: string | undefined): Promise<Promotion> {
    const body = id === undefined ? {} : { deployment_id: id };
    return oneOf<Promotion>(
      await this.#change('POST', `/${functionName(name)}/promote`, body),
      'current_deployment_id',
    );
  }

  /** @param id undefined for the one before the current */
  async rollback(name: string, id: string | undefined): Promise<Promotion> {
    const body = id === undefined ? {} : { deployment_id: id };
    return oneOf<Promotion>(
      await this.#change('POST', `/${functionName(name)}/rollback`, body),
      'current_deployment_id',
    );
  }

  /** By key; a secret without its value, whatever the server says. */
  async variables(name: string): Promise<readonly Variable[]> {
    const found = listIn<Variable>(await this.#read(`/${functionName(name)}/env`), 'env');
    return found
      .map(({ value, ...variable }) => (variable.is_secret || value === undefined ? variable : { ...variable, value }))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  async setVariable(name: string, key: string, value: string, isSecret: boolean): Promise<void> {
    await this.#change('PUT', `/${functionName(name)}/env/${variableKey(key)}`, { value, is_secret: isSecret });
  }

  async unsetVariable(name: string, key: string): Promise<void> {
    await this.#change('DELETE', `/${functionName(name)}/env/${variableKey(key)}`);
  }

  async #read(path: string): Promise<unknown> {
    return (await this.#asking(() => this.#client.getJson(ADMIN + path))).body;
  }

  async #change(method: string, path: string, body?: unknown): Promise<unknown> {
    const request = { method, path: ADMIN + path, ...jsonContent(body) };
    return (await this.#asking(() => this.#client.sendJson(request))).body;
  }

  async #asking<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      // Success is not known, so it must not be reported: a script would go on.
      if (this.#signal.aborted) throw new CliError('INTERRUPTED', 'stopped before the server had answered', SHOW);
      if (!(error instanceof CliError) || error.refusal === undefined) throw error;
      throw this.#explained(error);
    }
  }

  #explained(error: CliError): CliError {
    const { code, message, refusal } = error;
    if (refusal?.status === 404) {
      const hint = HINTS_OF_404[refusal.code ?? ''];
      if (hint !== undefined) return new CliError(code, message, hint, refusal);
      return new CliError(
        code,
        `the server at ${this.#client.connection.url.origin} has no functions capability: [functions] is not mounted`,
        'Add a section [functions] to its Reactor.toml and start it again.',
        refusal,
      );
    }
    if (refusal?.code === 'bundle_invalid' && Array.isArray(refusal.details)) {
      return new CliError(code, message, error.hint, refusal, refusal.details as Problem[]);
    }
    return error;
  }
}

const ADMIN = '/fn/v1/_admin/functions';
const SHOW = '"reactor functions show <name>" tells whether it was done.';

/** Whether the server refused with this code. */
export function isRefusal(error: unknown, code: string): error is CliError {
  return error instanceof CliError && error.refusal?.code === code;
}

function listIn<T>(body: unknown, key: string): readonly T[] {
  const list = (body as Readonly<Record<string, unknown>> | null | undefined)?.[key];
  if (Array.isArray(list)) return list as T[];
  throw notAboutFunctions();
}

function oneOf<T>(body: unknown, key: keyof T): T {
  if (typeof (body as Partial<T> | null | undefined)?.[key] === 'string') return body as T;
  throw notAboutFunctions();
}

function notAboutFunctions(): CliError {
  return new CliError('SERVER_ERROR', 'the server answered something that says nothing about functions');
}

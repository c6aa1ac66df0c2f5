import { randomUUID } from 'node:crypto';
import { ReadableStream } from 'node:stream/web';
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from '../connection.js';
import { CliError } from '../errors.js';
import { cliVersion } from '../version.js';
import { answerError, brokenOff, networkError } from './failures.js';
import { whenSent } from './sent.js';

/** Milliseconds before each further attempt of a GET that met no server, or a 5xx. */
const RETRY_DELAYS_MS = [100, 200, 400];

export interface ClientOptions {
  readonly connection: Connection;
  /** Milliseconds for each attempt, until the answer begins. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Told about each attempt, for `--verbose`. */
  readonly trace: (line: string) => void;
}

export interface RequestOptions {
  /** Statuses other than 2xx whose body is an answer and not a failure. */
  readonly accept?: readonly number[] | 'any';
}

export interface GetOptions extends RequestOptions {
  /** Default: three more attempts. */
  readonly retry?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface PostOptions extends RequestOptions {
  /** Told when the request is on its way: from then on the server may act on it, whether it answers or not. */
  readonly onSent?: () => void;
}

/** A request as it goes out, once its address and the token are known. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  /** Win over those of the client; an empty value leaves the header out. */
  readonly headers?: Iterable<readonly [string, string]>;
  /** What comes in chunks is sent as it comes. */
  readonly body?: string | AsyncIterable<Uint8Array>;
  readonly onSent?: (() => void) | undefined;
}

export interface Answer {
  readonly status: number;
  /** The JSON of the body, without an envelope. */
  readonly body: unknown;
}

/** Talks to one server. */
export class Client {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  get connection(): Connection {
    return this.#options.connection;
  }

  /** Address of a path of the server, which may have a path of its own. */
  urlOf(path: string): URL {
    const { href } = this.connection.url;
    return new URL(path.slice(1), href.endsWith('/') ? href : `${href}/`);
  }

  /** @throws CliError when there is no answer, or an error */
  async getJson(path: string, options: GetOptions = {}): Promise<Answer> {
    return this.#readJson(await this.get(path, options));
  }

  /**
   * Sends `body` as JSON, or nothing when it is undefined. Once only: what seems lost may have arrived.
   * @throws CliError when there is no answer, or an error
   */
  async postJson(path: string, body: unknown, { accept = [], onSent }: PostOptions = {}): Promise<Answer> {
    return this.sendJson({ method: 'POST', path, onSent, ...jsonContent(body) }, { accept });
  }

  /**
   * Sends a request once and reads the JSON that comes back; nothing for 204.
   * @throws CliError when there is no answer, or an error
   */
  async sendJson(request: HttpRequest, options: RequestOptions = {}): Promise<Answer> {
    return this.#readJson(await this.send(request, options));
  }

  /**
   * Sends a request once: what seems lost may have arrived. The answer has its body still to be read.
   * @throws CliError when there is no answer, or an error
   */
  send(request: HttpRequest, { accept = [] }: RequestOptions = {}): Promise<Response> {
    return this.#send(request, accept, false);
  }

  /**
   * The answer with its body still to be read.
   * @throws CliError when there is no answer, or an error
   */
  get(path: string, { accept = [], retry = true, headers = {} }: GetOptions = {}): Promise<Response> {
    return this.#send({ method: 'GET', path, headers: Object.entries(headers) }, accept, retry);
  }

  async #readJson(response: Response): Promise<Answer> {
    if (response.status === 204) return { status: 204, body: undefined };
    let body: unknown;
    try {
      body = await response.json();
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw brokenOff(this.connection, error);
      throw new CliError(
        'SERVER_ERROR',
        `${this.connection.url.origin} answered something that is not JSON`,
        'Is that the address of a Reactor server?',
      );
    }
    return { status: response.status, body: unwrap(body) };
  }

  async #send(request: HttpRequest, accept: readonly number[] | 'any', retry: boolean): Promise<Response> {
    for (let attempt = 0; ; attempt++) {
      const pause = retry ? RETRY_DELAYS_MS[attempt] : undefined;
      try {
        const response = await this.#attempt(request);
        if (response.ok || accept === 'any' || accept.includes(response.status)) return response;
        const text = await response.text();
        if (response.status < 500 || pause === undefined) throw answerError(this.connection, response, text);
      } catch (error) {
        if (error instanceof CliError || this.#options.signal.aborted) throw error;
        if (pause === undefined) throw networkError(this.connection, error, this.#options.timeoutMs);
      }
      await delay(pause, undefined, { signal: this.#options.signal });
    }
  }

  #headers(requestId: string, given: Iterable<readonly [string, string]>): Headers {
    const { token } = this.connection;
    const headers = new Headers({ 'User-Agent': `reactor-cli/${cliVersion()}`, 'X-Request-Id': requestId });
    if (token !== undefined) headers.set('Authorization', `Bearer ${token}`);
    const own = new Set(headers.keys());
    for (const [name, value] of given) {
      if (value === '') headers.delete(name);
      else if (own.delete(name.toLowerCase())) headers.set(name, value);
      else headers.append(name, value);
    }
    return headers;
  }

  async #attempt({ method, path, headers = [], body, onSent }: HttpRequest): Promise<Response> {
    const { timeoutMs, signal, trace } = this.#options;
    const url = this.urlOf(path);
    const requestId = uuidv7();
    const started = performance.now();
    const elapsed = () => `after ${Math.round(performance.now() - started)} ms`;
    trace(`${method} ${url.href} (request id ${requestId})`);
    // For the head of the answer only: a log stream's body has no end.
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(new DOMException('timed out', 'TimeoutError')), timeoutMs);
    const stopWatching = onSent === undefined ? undefined : whenSent(requestId, onSent);
    try {
      const response = await fetch(url, {
        method,
        ...(body === undefined ? {} : bodyOf(body, timer)),
        headers: this.#headers(requestId, headers),
        // Nobody but the server that was meant gets the token.
        redirect: 'manual',
        signal: AbortSignal.any([timeout.signal, signal]),
      });
      trace(`${response.status} ${elapsed()}`);
      return response;
    } catch (error) {
      trace(`no answer ${elapsed()}`);
      throw error;
    } finally {
      stopWatching?.();
      clearTimeout(timer);
    }
  }
}

/** A JSON body with its header; nothing when it is undefined. */
export function jsonContent(body: unknown): Pick<HttpRequest, 'headers' | 'body'> {
  return body === undefined ? {} : { headers: [['Content-Type', 'application/json']], body: JSON.stringify(body) };
}

/** @param timer of the wait for an answer, which begins anew with each chunk that is taken */
function bodyOf(body: string | AsyncIterable<Uint8Array>, timer: NodeJS.Timeout): RequestInit {
  if (typeof body === 'string') return { body };
  async function* watched(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      timer.refresh();
      yield chunk;
    }
  }
  return { body: ReadableStream.from(watched(body)), duplex: 'half' } as RequestInit;
}

/** The data of `{"ok":true,"data":…}`; anything else is the data itself. */
function unwrap(body: unknown): unknown {
  const enveloped = typeof body === 'object' && body !== null && 'ok' in body && body.ok === true && 'data' in body;
  return enveloped ? body.data : body;
}

/** RFC 9562 §5.7: ids of later attempts sort behind. */
function uuidv7(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

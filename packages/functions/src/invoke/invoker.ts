import {
  type Clock,
  coreErrors,
  type Principal,
  payloadTooLarge,
  ReactorError,
  RequestSignal,
  type Result,
} from '@reactor/core';
import type { Catalogue } from '../catalogue.js';
import type { Access, LiveFunction } from '../deployment.js';
import { functionsErrors } from '../errors.js';
import { isFunctionName } from '../function-name.js';
import type { FunctionsMetrics } from '../metrics.js';
import type { Exchange } from '../runtime/exchange.js';
import type { Lease } from '../runtime/pool.js';
import { type FunctionRuntime, type Runnable, UNRESPONSIVE_MS } from '../runtime/runtime.js';
import { requestHeaders, responseHeaders } from './headers.js';

/** A call of a function. */
export interface Call {
  readonly name: string;
  readonly request: Request;
  /** Path and query as the function sees them: `/` and what follows its name. */
  readonly target: string;
  readonly requestId: string;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: RequestSignal;
  /** Who calls, found out once it is known who may. @throws ReactorError `unauthorized`, `forbidden`, `invalid_token` */
  authorize(access: Access): Promise<Principal>;
  /** Ends the answer in the middle. False where its body has to say so by an error. */
  cut(): boolean;
  /** Told as soon as they are known, for the headers of the answer and of errors. */
  onStarted(facts: { readonly isCold: boolean; readonly waitedMs: number }): void;
}

export interface InvokerOptions {
  readonly catalogue: Catalogue;
  readonly runtime: FunctionRuntime;
  readonly metrics: FunctionsMetrics;
  readonly clock: Clock;
  /** A token of its own. */
  tokenFor(name: string): Promise<string>;
  runnable(fn: LiveFunction & { readonly deployment: NonNullable<LiveFunction['deployment']> }): Runnable;
}

const MIB = 1_048_576;
/** An answer of this size, and of a length that it says, is handed on at once: a stream costs more than its bytes. */
const WHOLE_BYTES = 16_384;

/** Calls functions: who may, on which process, within which limits. */
export class Invoker {
  readonly #options: InvokerOptions;

  constructor(options: InvokerOptions) {
    this.#options = options;
  }

  /**
   * The answer of the function; its body may still be on its way.
   * @throws ReactorError as `docs/functions.md` lists them
   */
  async invoke(call: Call): Promise<Response> {
    const fn = await this.#find(call.name);
    const invocation = new Invocation(fn.name, call, this.#options);
    try {
      const { deployment } = fn;
      const principal = await call.authorize(deployment?.settings.access ?? 'users');
      if (deployment === undefined) throw notReady('Nothing of this function is promoted yet.');
      return await invocation.run({ ...fn, deployment }, principal);
    } catch (error) {
      throw invocation.failed(error);
    }
  }

  async #find(name: string): Promise<LiveFunction> {
    // What cannot be a name is not looked up: PostgreSQL refuses some text, NUL for one.
    const fn = isFunctionName(name) ? await this.#options.catalogue.find(name) : undefined;
    if (fn === undefined) throw functionsErrors.create.function_not_found('There is no function of this name.');
    return fn;
  }
}

function notReady(message: string) {
  return functionsErrors.create.deployment_not_ready(message, { headers: { 'Retry-After': '1' } });
}

type Promoted = LiveFunction & { readonly deployment: NonNullable<LiveFunction['deployment']> };

/** One call, from its arrival to the last byte of its answer; counted once. */
class Invocation {
  readonly #name: string;
  readonly #call: Call;
  readonly #options: InvokerOptions;
  readonly #started: number;
  /** Ends the call: its client has left, its time is up, or its answer has become too large. */
  readonly #ending = new RequestSignal();
  #lease: Lease | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;
  #hasLeft = false;
  #bodyError: Error | undefined;

  constructor(name: string, call: Call, options: InvokerOptions) {
    this.#name = name;
    this.#call = call;
    this.#options = options;
    this.#started = options.clock.monotonic();
  }

  async run(fn: Promoted, principal: Principal): Promise<Response> {
    const { catalogue, runtime, metrics, runnable, tokenFor } = this.#options;
    const { request, target, requestId, signal, onStarted } = this.#call;
    const { settings } = fn.deployment;
    this.#limitTime(settings.limits.timeoutMs);
    this.#followClient(signal);
    const body = this.#body(request, settings.limits.maxBodyInMb * MIB);
    const token = settings.service ? await tokenFor(fn.name) : undefined;
    const environment = await catalogue.environmentOf(fn.name);
    const lease = await runtime.poolOf(runnable(fn)).acquire(environment, this.#ending);
    this.#lease = lease;
    metrics.waited(lease.waitedMs / 1000);
    onStarted(lease);
    const headers = requestHeaders(request.headers, settings, { requestId, principal, token });
    // It would announce what the adapter has left out.
    if (body === undefined) delete headers['content-length'];
    const answer = await lease.instance.send({ method: request.method, path: target, headers }, body, {
      id: requestId,
      environment,
      signal: this.#ending,
    });
    if (answer.headers['x-reactor-crashed'] === lease.instance.mark) {
      answer.drop();
      throw functionsErrors.create.function_crashed('The function threw an error before it had answered.');
    }
    return this.#answer(answer, settings.limits.maxBodyOutMb * MIB);
  }

  /** What to answer instead of what was thrown, which is counted. */
  failed(thrown: unknown): unknown {
    const error = this.#explain(thrown);
    const status = error instanceof ReactorError ? error.status : 500;
    this.#end(this.#hasLeft ? 'aborted' : status < 500 || this.#lease === undefined ? 'rejected' : 'failed');
    return error;
  }

  #explain(thrown: unknown): unknown {
    if (this.#bodyError !== undefined) return this.#bodyError;
    if (this.#ending.aborted && thrown !== this.#ending.reason) return this.#ending.reason;
    if (thrown instanceof ReactorError || this.#lease === undefined) return thrown;
    return functionsErrors.create.runtime_error(
      'The process of the function ended, or its connection, before it had answered.',
      {
        cause: thrown,
      },
    );
  }

  #limitTime(timeoutMs: number): void {
    this.#timer = setTimeout(() => {
      this.#options.metrics.timedOut(this.#name);
      this.#ending.abort(
        functionsErrors.create.function_timeout(`The function had not answered within ${timeoutMs} ms.`, {
          details: { timeout_ms: timeoutMs },
        }),
      );
      void this.#lease?.instance.endUnlessResponds(UNRESPONSIVE_MS);
    }, timeoutMs);
  }

  #followClient(signal: RequestSignal): void {
    if (signal.aborted) this.#left();
    else signal.addEventListener('abort', () => this.#left());
  }

  #left(): void {
    this.#hasLeft = true;
    this.#ending.abort(coreErrors.create.request_timeout('The client left.'));
  }

  /** @throws ReactorError `payload_too_large` (413) for a body that says so; one that turns out larger ends the call */
  #body(request: Request, maxBytes: number): AsyncIterable<Uint8Array> | undefined {
    // Asking for a body that cannot be there would make the adapter build a whole Request.
    if (request.method === 'GET' || request.method === 'HEAD' || request.body === null) return undefined;
    if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw payloadTooLarge(maxBytes);
    return this.#limited(request.body, maxBytes);
  }

  async *#limited(body: ReadableStream<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
    let size = 0;
    try {
      for await (const chunk of body) {
        size += chunk.byteLength;
        if (size > maxBytes) break;
        yield chunk;
      }
    } catch {
      // The request is given up with that: its end here is not taken for the end of the body.
      this.#left();
    }
    if (size <= maxBytes) return;
    this.#bodyError = payloadTooLarge(maxBytes);
    this.#ending.abort(this.#bodyError);
  }

  async #answer(answer: Exchange, maxBytes: number): Promise<Response> {
    const { status } = answer;
    if (status > 599) {
      answer.cancel();
      throw functionsErrors.create.runtime_error(
        `The function answered with status ${status}; accepted are 200 to 599.`,
      );
    }
    const headers = responseHeaders(answer.headers);
    const length = Number(headers.get('content-length') ?? Number.NaN);
    if (length > maxBytes) {
      answer.cancel();
      throw tooLarge(maxBytes);
    }
    const seconds = (this.#options.clock.monotonic() - this.#started) / 1000;
    const result = status >= 500 ? 'failed' : 'ok';
    const isBodyless = status === 204 || status === 205 || status === 304 || this.#call.request.method === 'HEAD';
    if (isBodyless) {
      answer.drop();
      this.#end(result, seconds);
      return new Response(null, { status, headers });
    }
    if (length <= WHOLE_BYTES) {
      const body = await wholeBody(answer);
      this.#end(result, seconds);
      return new Response(body, { status, headers });
    }
    return new Response(this.#counted(answer, maxBytes, result, seconds), { status, headers });
  }

  #counted(answer: Exchange, maxBytes: number, result: Result, seconds: number): ReadableStream<Uint8Array> {
    let size = 0;
    const end = (how: Result) => this.#end(how, seconds);
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          try {
            const chunk = await answer.read();
            if (chunk === undefined) {
              end(result);
              controller.close();
              return;
            }
            size += chunk.byteLength;
            if (size > maxBytes) throw tooLarge(maxBytes);
            controller.enqueue(chunk);
          } catch (error) {
            answer.cancel();
            end(this.#hasLeft ? 'aborted' : 'failed');
            if (!this.#call.cut()) throw error;
          }
        },
        cancel: () => {
          answer.cancel();
          end('aborted');
        },
      },
      { highWaterMark: 0 },
    );
  }

  #end(result: Result, seconds = (this.#options.clock.monotonic() - this.#started) / 1000): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#lease?.release();
    this.#options.metrics.invocation(this.#name, result, seconds, this.#lease?.isCold ?? false);
  }
}

/** @throws the error of the connection when the process ends in the middle */
async function wholeBody(answer: Exchange): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for (;;) {
    const chunk = await answer.read();
    if (chunk === undefined) break;
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

function tooLarge(maxBytes: number) {
  return functionsErrors.create.response_too_large(`The function answered more than ${maxBytes} bytes.`, {
    details: { max_body_out_bytes: maxBytes },
  });
}

import type { CancelSignal } from '@reactor/core';
import type { Dispatcher } from 'undici';

/** Bytes of an answer that wait to be taken; fewer, and process and client take turns instead of running at once. */
const MAX_QUEUED_BYTES = 262_144;

export type AnswerHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** One request to the process of a function and its answer, as undici tells of it; nothing is read further than needed. */
export class Exchange implements Dispatcher.DispatchHandler {
  /** Status and headers are there. @throws the error of the connection, or the reason of the signal */
  readonly begun: Promise<void>;
  status = 0;
  headers: AnswerHeaders = {};
  readonly #signal: CancelSignal;
  readonly #onBroken: () => void;
  readonly #give = () => this.#abort(this.#signal.reason as Error);
  #controller: Dispatcher.DispatchController | undefined;
  #settle: { resolve(): void; reject(error: unknown): void } = { resolve() {}, reject() {} };
  readonly #chunks: Uint8Array<ArrayBuffer>[] = [];
  #queuedBytes = 0;
  #isDropped = false;
  #hasEnded = false;
  #error: Error | undefined;
  #wake: (() => void) | undefined;

  /**
   * @param signal gives it up; the process sees its client leave
   * @param onBroken the connection broke, before the answer or in it, and nobody had given it up
   */
  constructor(signal: CancelSignal, onBroken: () => void) {
    this.#signal = signal;
    this.#onBroken = onBroken;
    this.begun = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    signal.addEventListener('abort', this.#give);
  }

  /** The next bytes; undefined at the end. @throws the error of the connection, or the reason of the signal */
  async read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#queuedBytes -= chunk.byteLength;
        if (this.#queuedBytes < MAX_QUEUED_BYTES) this.#controller?.resume();
        return chunk;
      }
      if (this.#error !== undefined) throw this.#error;
      if (this.#hasEnded) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Nobody wants what is still to come, which is not much. */
  drop(): void {
    this.#isDropped = true;
    this.#controller?.resume();
  }

  /** Nobody wants what is still to come, and that may be without end: the process sees its client leave. */
  cancel(): void {
    this.#abort(new Error('the answer is not wanted'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#signal.aborted) this.#give();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: AnswerHeaders): void {
    // One before the answer itself (103, say) is not passed on.
    if (status < 200) return;
    this.status = status;
    this.headers = headers;
    this.#settle.resolve();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer<ArrayBuffer>): void {
    if (this.#isDropped) return;
    this.#chunks.push(chunk);
    this.#queuedBytes += chunk.byteLength;
    if (this.#queuedBytes >= MAX_QUEUED_BYTES) controller.pause();
    this.#woken();
  }

  onResponseEnd(): void {
    this.#hasEnded = true;
    this.#over();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    this.#onBroken();
    this.#settle.reject(error);
    this.#over();
  }

  #abort(reason: Error): void {
    if (this.#hasEnded || this.#error !== undefined) return;
    this.#error = reason;
    this.#settle.reject(reason);
    this.#controller?.abort(reason);
    this.#over();
  }

  #over(): void {
    this.#signal.removeEventListener('abort', this.#give);
    this.#woken();
  }

  #woken(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

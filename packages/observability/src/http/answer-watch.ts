import type { ServerResponse } from 'node:http';
import type { ObservedRequest } from './observed-request.js';
import { type AddedHeaders, withHeaders } from './send-headers.js';

/** Told of what becomes of the answers of a server. */
export interface AnswerEvents {
  headersOf(request: ObservedRequest): AddedHeaders;
  /** The response has been handed to the socket, or the socket has closed. */
  closed(request: ObservedRequest, outgoing: ServerResponse): void;
  /** That, and its handler is done: one that works on after its client has left is still load. */
  ended(request: ObservedRequest): void;
}

const WATCH = Symbol('reactor.answer');

interface WatchedResponse extends ServerResponse {
  [WATCH]?: AnswerWatch;
}

/** The answer to one request, where Node gives it out. */
export class AnswerWatch {
  readonly request: ObservedRequest;
  readonly #events: AnswerEvents;
  readonly #writeHead: ServerResponse['writeHead'];
  #handled = false;
  #closed = false;

  constructor(outgoing: ServerResponse, request: ObservedRequest, events: AnswerEvents) {
    this.request = request;
    this.#events = events;
    this.#writeHead = outgoing.writeHead;
    (outgoing as WatchedResponse)[WATCH] = this;
    // Functions that all responses share: a closure for each would be made, and collected, with every request.
    outgoing.writeHead = writeHead as ServerResponse['writeHead'];
    outgoing.on('close', onClose);
  }

  /** The handler is done. */
  handled(): void {
    this.#handled = true;
    if (this.#closed) this.#events.ended(this.request);
  }

  writeHead(outgoing: ServerResponse, status: number, reason: string | undefined, given: object | undefined) {
    const headers = withHeaders(given, this.#events.headersOf(this.request));
    // Of its two declarations the types of `call` know only the last.
    const write = this.#writeHead as (...args: readonly unknown[]) => ServerResponse;
    return reason === undefined ? write.call(outgoing, status, headers) : write.call(outgoing, status, reason, headers);
  }

  closed(outgoing: ServerResponse): void {
    this.#closed = true;
    this.#events.closed(this.request, outgoing);
    if (this.#handled) this.#events.ended(this.request);
  }
}

/** Whose answer this is; undefined for one that never came to an observed app. */
export function observedRequest(outgoing: ServerResponse): ObservedRequest | undefined {
  return (outgoing as WatchedResponse)[WATCH]?.request;
}

/** (status), (status, headers), (status, reason) or (status, reason, headers) */
function writeHead(this: WatchedResponse, status: number, second?: string | object, third?: object): ServerResponse {
  const watch = this[WATCH] as AnswerWatch;
  if (typeof second === 'string') return watch.writeHead(this, status, second, third);
  return watch.writeHead(this, status, undefined, second ?? third);
}

function onClose(this: WatchedResponse): void {
  (this[WATCH] as AnswerWatch).closed(this);
}

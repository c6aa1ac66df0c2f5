import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ReactorError } from '@reactor/core';
import { type AnswerHeaders, observedRequest } from '@reactor/observability';
import { type Exchange, isStalled, stallOf } from './progress.js';
import { refusalOf, refuseOnResponse, refuseOnSocket } from './refusal.js';

export interface Refusals {
  /** Of every answer that the app does not give. */
  readonly answerHeaders: AnswerHeaders;
  /** Told of what never became a request, or stopped being one: the app does not see it. */
  readonly onRefused: (refusal: { readonly status: number; readonly code: string; readonly requestId: string }) => void;
}

/** Why no request comes any more. */
interface Fault {
  readonly error: ReactorError;
  /** The client closed its side in the middle of a request. */
  readonly cutShort: boolean;
  readonly inboundId?: string | undefined;
}

const CUT_SHORT = 'HPE_INVALID_EOF_STATE';
/** How long a client whose request was answered early may go on sending it. */
const LINGER_MS = 500;
/** How often a client that closed its side while it waits for an answer is asked whether it is still there. */
const ASK_INTERVAL_MS = 1000;

/** One connection: the requests on it that wait for their answer, and how it ends when its bytes are no HTTP. */
export class Connection {
  readonly #socket: Socket;
  readonly #refusals: Refusals;
  /** Oldest first; pipelined requests are answered in this order. */
  readonly #unanswered: Exchange[] = [];
  /** Monotonic milliseconds at which the last answer ended, or the connection began. */
  idleSince = performance.now();
  /** The only one whose body may still be on its way. */
  #newest: IncomingMessage | undefined;
  /** The first one counts: the parser reports every chunk that comes after it too. */
  #fault: Fault | undefined;

  constructor(socket: Socket, refusals: Refusals) {
    this.#socket = socket;
    this.#refusals = refusals;
    // Node calls it after an answer that ends the connection. Cut at once, a client that still sends its body would get a
    // reset, and with it lose the answer.
    const { destroySoon } = socket;
    socket.destroySoon = () => (this.#newest?.complete === false ? this.#linger() : destroySoon.call(socket));
    let asking: NodeJS.Timeout | undefined;
    socket.once('end', () => {
      if (this.#isEndless) this.cut();
      asking = setInterval(() => this.#askWhetherClientIsThere(), ASK_INTERVAL_MS).unref();
    });
    socket.once('close', () => {
      clearInterval(asking);
      // Node itself does so only for requests without an answer: who reads the body of another would wait for ever.
      if (this.#newest?.complete === false) this.#newest.destroy(new Error('the connection was closed'));
      // Node tells the answer that has the socket, and none of those that wait behind it.
      for (const { outgoing } of [...this.#unanswered]) if (outgoing.socket === null) outgoing.destroy().emit('close');
    });
  }

  /** How many requests wait for their answer. */
  get unanswered(): number {
    return this.#unanswered.length;
  }

  take(incoming: IncomingMessage, outgoing: ServerResponse): void {
    this.#unanswered.push({ incoming, outgoing, moved: -1, since: 0 });
    this.#newest = incoming;
    if (hasBody(incoming)) endAfterEarlyAnswer(incoming, outgoing);
  }

  /** The answer has been given out, or its client has gone. */
  answered(outgoing: ServerResponse): void {
    const index = this.#unanswered.findIndex((exchange) => exchange.outgoing === outgoing);
    if (index !== -1) this.#unanswered.splice(index, 1);
    this.idleSince = performance.now();
    this.#endWhenAnswered();
  }

  /** Gives up what has stalled. What waits behind it has no turn yet. */
  inspect(now: number, timeoutMs: number): void {
    const [oldest] = this.#unanswered;
    if (oldest !== undefined && isStalled(oldest, now, timeoutMs)) this.#giveUp(oldest);
  }

  #giveUp(exchange: Exchange): void {
    const { incoming, outgoing } = exchange;
    // After the answer began, cutting is the only way to say that it is not whole.
    if (outgoing.headersSent) this.cut();
    else if (observedRequest(outgoing)?.mayTakeLong !== true) {
      const { answerHeaders } = this.#refusals;
      refuseOnResponse(outgoing, stallOf(exchange), answerHeaders, headerOf(incoming, 'x-request-id'));
    }
  }

  /** Closes our side, and reads on for a moment. */
  #linger(): void {
    this.#socket.end();
    // The reader of the body is done, and would hold it up.
    this.#newest?.removeAllListeners('data').resume();
    setTimeout(() => this.cut(), LINGER_MS).unref();
  }

  /** The last answer to what was read says `Connection: close`: after that one, Node ends the connection. */
  drain(): void {
    const newest = this.#unanswered.at(-1);
    if (newest !== undefined) newest.outgoing.shouldKeepAlive = false;
  }

  cut(): void {
    this.#socket.destroy();
  }

  /** @param code of what Node's parser or the socket reports */
  fail(code: string | undefined): void {
    if (code === 'ECONNRESET') this.cut();
    else this.#end({ error: refusalOf(code), cutShort: code === CUT_SHORT });
  }

  /** For what is not a request to this server, without a response to answer on. */
  refuse(error: ReactorError, inboundId: string | undefined): void {
    this.#end({ error, cutShort: false, inboundId });
  }

  #end(fault: Fault): void {
    this.#fault ??= fault;
    if (this.#isEndless || !this.#socket.writable) this.cut();
    else this.#endWhenAnswered();
  }

  /** An answer under way of unknown length, a log stream for one, may never end: nothing waits for it. */
  get #isEndless(): boolean {
    const answering = this.#unanswered[0]?.outgoing;
    return answering?.headersSent === true && answering.chunkedEncoding;
  }

  #endWhenAnswered(): void {
    if (this.#fault === undefined || !this.#socket.writable) return;
    const { error, cutShort, inboundId } = this.#fault;
    const { answerHeaders, onRefused } = this.#refusals;
    const [oldest] = this.#unanswered;
    // What was read whole is answered before the fault behind it (RFC 9112 §9.3.2).
    if (oldest?.incoming.complete === true) return;
    if (oldest !== undefined) {
      // Its own body is at fault. After the answer began, whatever we wrote would be taken for the rest of it.
      if (cutShort || oldest.outgoing.headersSent) this.cut();
      else refuseOnResponse(oldest.outgoing, error, answerHeaders, headerOf(oldest.incoming, 'x-request-id'));
    } else if (this.#newest?.complete === false) {
      // It was answered before its body had come.
      this.cut();
    } else {
      onRefused({ ...error, requestId: refuseOnSocket(this.#socket, error, answerHeaders, inboundId) });
    }
  }

  /**
   * A client that closes only its sending side still reads the answer; one that closed the connection does not, and nothing but
   * writing tells the two apart. HTTP/1.1 has a message that says nothing: an interim response (RFC 9110 §15.2).
   */
  #askWhetherClientIsThere(): void {
    const [oldest] = this.#unanswered;
    if (oldest === undefined || oldest.outgoing.headersSent || oldest.incoming.httpVersion === '1.0') return;
    oldest.outgoing.writeContinue();
  }
}

/** By its headers. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** What is left of the body of a request that was answered stands before the next request: there is to be none. */
function endAfterEarlyAnswer(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const writeHead = outgoing.writeHead as (...args: readonly unknown[]) => ServerResponse;
  outgoing.writeHead = (...args: readonly unknown[]) => {
    if (!incoming.complete) outgoing.shouldKeepAlive = false;
    return writeHead.call(outgoing, ...args);
  };
}

export function headerOf(incoming: IncomingMessage | undefined, name: string): string | undefined {
  const value = incoming?.headers[name];
  return typeof value === 'string' ? value : undefined;
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CapabilityName, Logger, Principal, RequestSignal, RequestState } from '@reactor/core';
import { type IsTrustedProxy, SocketPeer } from './peer.js';

/** What @hono/node-server passes as the environment; absent in `app.request()` and on other runtimes. */
export interface NodeBindings {
  readonly incoming?: IncomingMessage;
  readonly outgoing?: ServerResponse;
}

/** What all requests of a server share. */
export interface Surroundings {
  readonly logger: Logger;
  readonly isTrusted: IsTrustedProxy;
}

/** A request as it arrived. What few requests are asked for is made when it is asked for. */
export class ObservedRequest implements RequestState {
  readonly requestId: string;
  readonly traceId: string | undefined;
  readonly capability: CapabilityName;
  readonly method: string;
  /** Decoded, as routes see it. */
  readonly path: string;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
  principal?: Principal;
  errorCode?: string;
  signal?: RequestSignal;
  mayTakeLong?: true;
  ownHeaders?: boolean;
  accessFields?: Readonly<Record<string, string | number | boolean>>;
  unmatched?: true;
  givenUp?: true;
  readonly #surroundings: Surroundings;
  readonly #raw: Request;
  readonly #incoming: IncomingMessage | undefined;
  #logger: Logger | undefined;
  #peer: SocketPeer | undefined;

  constructor(
    surroundings: Surroundings,
    raw: Request,
    incoming: IncomingMessage | undefined,
    facts: Pick<ObservedRequest, 'requestId' | 'traceId' | 'capability' | 'path' | 'startedAt'>,
  ) {
    this.#surroundings = surroundings;
    this.#raw = raw;
    this.#incoming = incoming;
    this.requestId = facts.requestId;
    this.traceId = facts.traceId;
    this.capability = facts.capability;
    this.method = raw.method;
    this.path = facts.path;
    this.startedAt = facts.startedAt;
  }

  get logger(): Logger {
    const { requestId, traceId } = this;
    this.#logger ??= this.#surroundings.logger.with(
      traceId === undefined ? { request_id: requestId } : { request_id: requestId, trace_id: traceId },
    );
    return this.#logger;
  }

  get peer(): SocketPeer | undefined {
    const address = this.#incoming?.socket.remoteAddress;
    if (address !== undefined) {
      this.#peer ??= new SocketPeer(address, this.#raw.headers, this.#surroundings.isTrusted);
    }
    return this.#peer;
  }

  /** The `Origin` that a browser sent. */
  get origin(): string | undefined {
    return headerOf(this.#raw, this.#incoming, 'origin');
  }
}

/** Node has parsed them already; asking the Request would make it copy all of them. */
export function headerOf(raw: Request, incoming: IncomingMessage | undefined, name: string): string | undefined {
  if (incoming === undefined) return raw.headers.get(name) ?? undefined;
  const value = incoming.headers[name];
  return typeof value === 'string' ? value : undefined;
}

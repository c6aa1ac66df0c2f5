import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, type Socket, Server as TcpServer } from 'node:net';
import { getRequestListener, RequestError } from '@hono/node-server';
import { coreErrors, EXIT, payloadTooLarge, type ReactorError, requestIdFrom, toReactorError } from '@reactor/core';
import type { Fetch } from '@reactor/observability';
import { ExitError } from '../exit.js';
import { Connection, hasBody, headerOf, type Refusals } from './connection.js';
import { refuseOnResponse } from './refusal.js';

export interface ListenerOptions extends Refusals {
  readonly host: string;
  readonly port: number;
  /** Milliseconds for the headers of a request to arrive, and afterwards without a byte in either direction. */
  readonly timeoutMs: number;
  readonly maxHeaderBytes: number;
  /** Of the body of a GET or HEAD, which no route reads and so none limits. */
  readonly maxBodyBytes: number;
}

export interface Listener {
  /** `http://127.0.0.1:8000`, with an address people can open. */
  readonly url: string;
  /** From now on every response says `Connection: close`, so that clients come back somewhere else. */
  drain(): void;
  /**
   * Takes no new connections, lets what was read be answered, then closes the rest.
   * @param deadline when it aborts, connections are cut
   * @returns how many requests were cut
   */
  close(deadline: AbortSignal): Promise<number>;
}

/** How long a connection may stay silent in a drain: its client may just be sending a request. */
const IDLE_DRAIN_MS = 1000;
/** @throws ExitError (3) when the address is not available */
export async function listen(fetch: Fetch, options: ListenerOptions): Promise<Listener> {
  const { answerHeaders, onRefused, timeoutMs } = options;
  let draining = false;
  const connections = new Map<Socket, Connection>();
  let beingRead: IncomingMessage | undefined;
  const refusalOf = createRefusal(options);
  const answer = getRequestListener(fetch, {
    // The app renders its own errors: what comes here is a request that no Request could be made of. That is found out
    // before anything is awaited, so the one being read is the one.
    errorHandler: (error) => {
      const refused =
        error instanceof RequestError
          ? coreErrors.create.invalid_request('The request target, method or Host header is not valid.')
          : toReactorError(error);
      const requestId = requestIdFrom(headerOf(beingRead, 'x-request-id'));
      onRefused({ ...refused, requestId });
      const response = refused.getResponse(requestId);
      for (const [name, value] of Object.entries(answerHeaders)) response.headers.set(name, value);
      response.headers.set('X-Request-Id', requestId);
      return response;
    },
  });

  const take = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    connections.get(incoming.socket)?.take(incoming, outgoing);
    if (draining) outgoing.shouldKeepAlive = false;
    outgoing.on('close', onAnswered);
  };
  function onAnswered(this: ServerResponse) {
    connections.get(this.req.socket)?.answered(this);
  }
  const inspection = setInterval(() => {
    const now = performance.now();
    for (const connection of connections.values()) connection.inspect(now, timeoutMs);
  }, timeoutMs / 4).unref();
  const server = createServer(
    {
      // Told by our own answer, in the form of all others.
      requireHostHeader: false,
      maxHeaderSize: options.maxHeaderBytes,
      headersTimeout: timeoutMs,
      // A slow upload that makes progress is fine: each connection is looked at for that.
      requestTimeout: 0,
      keepAliveTimeout: 65_000,
      connectionsCheckingInterval: Math.min(1000, timeoutMs),
    },
    (incoming, outgoing) => {
      // It comes behind an answer that said it would be the last.
      if (!incoming.socket.writable) return;
      const refusal = refusalOf(incoming);
      if (refusal !== undefined) {
        refuseRequest(incoming, outgoing, refusal);
        return;
      }
      take(incoming, outgoing);
      // HTTP/1.0 knows no Host header; probes of load balancers still speak it.
      if (incoming.httpVersion === '1.0') incoming.headers.host ??= 'localhost';
      beingRead = incoming;
      void answer(incoming, outgoing);
    },
  );
  // Else Node closes our side too when the client has closed its own after its request, and the answer is lost.
  (server as { httpAllowHalfOpen?: boolean }).httpAllowHalfOpen = true;
  const refuseRequest = (incoming: IncomingMessage, outgoing: ServerResponse, error: ReactorError) => {
    take(incoming, outgoing);
    const inboundId = headerOf(incoming, 'x-request-id');
    onRefused({ ...error, requestId: refuseOnResponse(outgoing, error, answerHeaders, inboundId) });
  };
  server.on('checkExpectation', (incoming: IncomingMessage, outgoing: ServerResponse) =>
    refuseRequest(incoming, outgoing, coreErrors.create.expectation_failed('Only "Expect: 100-continue" is known.')),
  );
  server.on('connect', (incoming: IncomingMessage, socket: Socket) => {
    const error = coreErrors.create.method_not_allowed('This server is not a proxy.', {
      headers: { Allow: 'GET, HEAD' },
    });
    // Node has taken its own listener away: a reset would stop the process.
    socket.on('error', () => {});
    connections.get(socket)?.refuse(error, headerOf(incoming, 'x-request-id'));
  });
  server.on('clientError', (fault: NodeJS.ErrnoException, socket: Socket) => {
    connections.get(socket)?.fail(fault.code);
  });
  server.on('connection', (socket) => {
    connections.set(socket, new Connection(socket, options));
    socket.once('close', () => connections.delete(socket));
  });
  await bind(server, options);

  const drain = () => {
    draining = true;
    for (const connection of connections.values()) connection.drain();
  };
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${reachableHost(options.host)}:${port}`,
    drain,
    async close(deadline) {
      drain();
      const closed = new Promise<void>((resolve) => server.once('close', resolve));
      // http.Server.close() would also cut idle connections, on which the next request may be on its way.
      TcpServer.prototype.close.call(server);
      let cutOff = 0;
      const cut = () => {
        for (const connection of connections.values()) {
          cutOff += connection.unanswered;
          connection.cut();
        }
      };
      // Most close by themselves: their answer said so, unless it began before the drain.
      const began = performance.now();
      const idle = setInterval(() => {
        const longest = performance.now() - IDLE_DRAIN_MS;
        for (const connection of connections.values()) {
          if (connection.unanswered === 0 && Math.max(began, connection.idleSince) <= longest) connection.cut();
        }
      }, IDLE_DRAIN_MS / 10);
      if (deadline.aborted) cut();
      else deadline.addEventListener('abort', cut, { once: true });
      await closed;
      clearInterval(idle);
      clearInterval(inspection);
      deadline.removeEventListener('abort', cut);
      return cutOff;
    },
  };
}

function bind(server: TcpServer, { host, port }: ListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? 'another program listens there' : error.message;
      const hint = 'choose another with server.bind or --bind <address>:<port>';
      reject(new ExitError(EXIT.portUnavailable, `cannot listen on ${host}:${port}: ${reason}; ${hint}`));
    });
    server.listen(port, host, resolve);
  });
}

/** What makes a request one that no app gets to see. */
function createRefusal({ maxBodyBytes }: ListenerOptions): (incoming: IncomingMessage) => ReactorError | undefined {
  const { invalid_request } = coreErrors.create;
  let lastValidHost: string | undefined;
  return (incoming) => {
    if (hasSeveralHosts(incoming)) return invalid_request('The request has more than one Host header.');
    const { host } = incoming.headers;
    if (host !== lastValidHost && host !== undefined) {
      // Some look like a host and are none: `xn--`, `256.1.1.1`. Whoever takes the URL apart would fail on them.
      if (!URL.canParse(`http://${host}/`)) return invalid_request('The Host header is not a valid host.');
      lastValidHost = host;
    }
    const isReadByNobody = incoming.method === 'GET' || incoming.method === 'HEAD';
    if (isReadByNobody && hasBody(incoming) && Number(incoming.headers['content-length']) > maxBodyBytes) {
      return payloadTooLarge(maxBodyBytes);
    }
    return undefined;
  };
}

/** RFC 9112 §3.2: a proxy before us may have looked at the one that Node has left out. */
function hasSeveralHosts({ rawHeaders }: IncomingMessage): boolean {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts > 1;
}

/** `0.0.0.0` and `::` are not addresses to open. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

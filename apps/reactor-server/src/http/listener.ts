import { createServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import { type AddressInfo, type Socket, Server as TcpServer } from 'node:net';
import { getRequestListener, type HttpBindings, RequestError } from '@hono/node-server';
import { coreErrors, type ReactorError, toReactorError, uuidv7 } from '@reactor/core';
import { EXIT, ExitError } from '../exit.js';
import type { ProgressWatch } from './progress.js';

export type Fetch = (request: Request, bindings: HttpBindings) => Response | Promise<Response>;

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly progress: ProgressWatch;
  /** Milliseconds for the headers of a request to arrive. */
  readonly headersTimeoutMs: number;
  readonly maxHeaderBytes: number;
}

export interface Listener {
  /** `http://127.0.0.1:8000`, with the address people can open. */
  readonly url: string;
  /** From now on every response says `Connection: close`, so that clients come back somewhere else. */
  drain(): void;
  /**
   * Takes no new connections, lets what was read be answered, then closes the rest.
   * @param deadline when it aborts, connections are cut
   */
  close(deadline: AbortSignal): Promise<void>;
}

/** How long a kept-alive connection may stay silent in a drain: its client may just be sending a request. */
const IDLE_DRAIN_MS = 1000;

/** @throws ExitError (3) when the address cannot be had */
export async function listen(fetch: Fetch, options: ListenerOptions): Promise<Listener> {
  let draining = false;
  const answering = new Set<ServerResponse>();
  const drain = () => {
    draining = true;
    for (const outgoing of answering) outgoing.shouldKeepAlive = false;
  };
  const answer = getRequestListener(fetch as Parameters<typeof getRequestListener>[0], {
    // The app renders its own errors: what comes here is a request that no Request could be made of.
    errorHandler: (error) =>
      withRequestId(
        error instanceof RequestError
          ? coreErrors.create.invalid_request('The request target, method or Host header is not valid.')
          : toReactorError(error),
      ),
  });
  const server = createServer(
    {
      // Told by our own answer, in the form of all others.
      requireHostHeader: false,
      maxHeaderSize: options.maxHeaderBytes,
      headersTimeout: options.headersTimeoutMs,
      // A slow upload that makes progress is fine: the progress watch decides.
      requestTimeout: 0,
      keepAliveTimeout: 65_000,
      connectionsCheckingInterval: Math.min(1000, options.headersTimeoutMs),
    },
    (incoming: IncomingMessage, outgoing: ServerResponse) => {
      answering.add(outgoing);
      outgoing.once('close', () => answering.delete(outgoing));
      if (draining) outgoing.shouldKeepAlive = false;
      options.progress.watch(incoming, outgoing);
      void answer(incoming, outgoing);
    },
  );
  server.on('clientError', refuse);
  const connections = new Set<Socket>();
  server.on('connection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? 'another program listens there' : error.message;
      const hint = 'choose another with server.bind or --bind <address>:<port>';
      reject(
        new ExitError(EXIT.portUnavailable, `cannot listen on ${options.host}:${options.port}: ${reason}; ${hint}`),
      );
    });
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://${reachableHost(options.host)}:${port}`,
    drain,
    async close(deadline) {
      drain();
      const closed = new Promise<void>((resolve) => server.once('close', resolve));
      // http.Server.close() would also cut idle connections, on which the next request may be on its way.
      TcpServer.prototype.close.call(server);
      const idle = setTimeout(() => server.closeIdleConnections(), IDLE_DRAIN_MS);
      // Connections that finish a request after that close by themselves: their answer said so.
      const cut = () => {
        for (const socket of connections) socket.destroy();
      };
      if (deadline.aborted) cut();
      else deadline.addEventListener('abort', cut, { once: true });
      await closed;
      clearTimeout(idle);
      deadline.removeEventListener('abort', cut);
    },
  };
}

/** `0.0.0.0` and `::` are no addresses to open. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

function withRequestId(error: ReactorError): Response {
  const requestId = uuidv7();
  const response = error.getResponse(requestId);
  response.headers.set('X-Request-Id', requestId);
  return response;
}

/** Bytes that are no HTTP request never become one; the answer has the form of all others. */
function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const requestId = uuidv7();
  const refusal = refusalOf(error.code);
  const body = JSON.stringify(refusal.toEnvelope(requestId));
  socket.end(
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nX-Request-Id: ${requestId}\r\n` +
      `Cache-Control: no-store\r\nConnection: close\r\n\r\n${body}`,
  );
}

function refusalOf(code: string | undefined): ReactorError {
  const { headers_too_large, request_timeout, invalid_request } = coreErrors.create;
  if (code === 'HPE_HEADER_OVERFLOW') return headers_too_large('The headers exceed server.max_header_bytes.');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return request_timeout('The headers did not arrive within server.request_timeout_secs.');
  }
  return invalid_request('The bytes received are not an HTTP request.');
}

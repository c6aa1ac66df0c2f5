import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { coreErrors, type ReactorError, requestIdFrom } from '@reactor/core';
import { type AnswerHeaders, noteError, observedRequest } from '@reactor/observability';

/** What a fault of Node's HTTP parser means to the client. */
export function refusalOf(code: string | undefined): ReactorError {
  const { headers_too_large, request_timeout, invalid_request } = coreErrors.create;
  if (code === 'HPE_HEADER_OVERFLOW') return headers_too_large('The headers exceed server.max_header_bytes.');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return request_timeout('The headers did not arrive within server.request_timeout_secs.');
  }
  return invalid_request('The bytes received are not an HTTP request.');
}

/**
 * Answers on the socket where there is no response to answer on, and closes it.
 * @returns the request id that was sent
 */
export function refuseOnSocket(
  socket: Socket,
  error: ReactorError,
  answerHeaders: AnswerHeaders,
  inboundId: string | undefined,
): string {
  const requestId = requestIdFrom(inboundId);
  const body = JSON.stringify(error.toEnvelope(requestId));
  const head = Object.entries({ ...answerHeaders, ...headersOf(error, body, requestId) }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  socket.write(`HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}\r\n${head.join('')}\r\n${body}`);
  // Not only our half: a client that goes on sending would keep the descriptor.
  socket.destroySoon();
  return requestId;
}

/**
 * Answers a request in the place of the app, under the id it has, and ends the connection. A handler that is at work on it
 * is told that nobody waits any more; what it answers is dropped.
 * @returns the request id that was sent
 */
export function refuseOnResponse(
  outgoing: ServerResponse,
  error: ReactorError,
  answerHeaders: AnswerHeaders,
  inboundId: string | undefined,
): string {
  const request = observedRequest(outgoing);
  const requestId = request?.requestId ?? requestIdFrom(inboundId);
  if (request !== undefined) {
    request.givenUp = true;
    noteError(error, request);
    request.signal?.abort(error);
  }
  const body = JSON.stringify(error.toEnvelope(requestId));
  outgoing.writeHead(error.status, { ...answerHeaders, ...headersOf(error, body, requestId) });
  outgoing.end(body, () => outgoing.socket?.destroySoon());
  mute(outgoing);
  return requestId;
}

/** The app may answer as well, and its answer has no place any more. */
function mute(outgoing: ServerResponse): void {
  outgoing.writeHead = () => outgoing;
  outgoing.write = () => true;
  outgoing.end = () => outgoing;
}

function headersOf(error: ReactorError, body: string, requestId: string): Record<string, string> {
  return {
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(body)),
    'X-Request-Id': requestId,
    'Cache-Control': 'no-store',
    ...error.headers,
    Connection: 'close',
  };
}

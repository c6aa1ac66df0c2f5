import { STATUS_CODES } from 'node:http';
import { ReactorError } from '@reactor/core';
import type { HTTPException } from 'hono/http-exception';

const CODES: Readonly<Record<number, string>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  408: 'request_timeout',
  409: 'conflict',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  429: 'too_many_requests',
};

/** Hono's own error in our envelope: its status and headers stay, and below 500 its message too. */
export function fromHttpException(exception: HTTPException): ReactorError {
  const { status, res } = exception;
  const fault = status >= 500;
  const headers = new Headers(res?.headers);
  headers.delete('Content-Type');
  headers.delete('Content-Length');
  const reason = STATUS_CODES[status] ?? 'Error';
  return new ReactorError(
    fault ? 'internal_error' : (CODES[status] ?? 'invalid_request'),
    status,
    fault || exception.message === '' ? `${reason}.` : exception.message,
    { cause: exception, headers: Object.fromEntries(headers) },
  );
}

import type { Connection } from '../connection.js';
import { CliError, type CliErrorCode, type Refusal } from '../errors.js';

/** An answer that is not a success, as the error it means for the user. */
export function answerError({ url, token, tokenHint }: Connection, response: Response, body: string): CliError {
  const { status } = response;
  const { message = `${url.origin} answered HTTP ${status}`, ...said } = readError(body);
  const failure = (code: CliErrorCode, text: string, hint?: string) =>
    new CliError(code, text, hint, { status, ...said });
  if (status === 401) {
    if (token === undefined) return failure('AUTH_REQUIRED', message, tokenHint);
    return failure('AUTH_FAILED', message, `The admin token that was sent is not the one of ${url.host}.`);
  }
  if (status === 403) {
    return failure(
      'PERMISSION_DENIED',
      message,
      `Set admin.allow_remote = true on the server, or connect from its own machine through a tunnel: ssh -L 8000:127.0.0.1:${url.port || '8000'} ${url.hostname}, then --url http://127.0.0.1:8000.`,
    );
  }
  if (status >= 300 && status < 400) {
    return failure(
      'SERVER_ERROR',
      `${url.origin} redirects to ${response.headers.get('Location') ?? 'nowhere'}`,
      'Give the address it redirects to with --url.',
    );
  }
  if (status >= 500) {
    const requestId = response.headers.get('X-Request-Id');
    const hint = requestId === null ? undefined : `reactor logs --request-id ${requestId} shows what happened.`;
    return failure('SERVER_ERROR', message, hint);
  }
  const hint = status === 404 ? 'Is that the address of a Reactor server?' : undefined;
  return failure('CLIENT_ERROR', message, hint);
}

/** No answer at all, as the error it means for the user. */
export function networkError({ url, project }: Connection, error: unknown, timeoutMs: number): CliError {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = codeOf(cause) ?? codeOf(error);
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return new CliError(
      'TIMEOUT',
      `${url.origin} did not answer within ${timeoutMs / 1000} s`,
      'It may be overloaded or frozen; --timeout waits longer.',
    );
  }
  if (code === 'ECONNREFUSED') {
    const died = project?.lock?.alive === false ? ` The last one here, pid ${project.lock.pid}, has died.` : '';
    return new CliError(
      'CONNECTION_REFUSED',
      `no server listens on ${url.origin}`,
      `Start one with "npx pnpm@10 start", or say where it is with --url or REACTOR_URL, or which folder it runs in with --project.${died}`,
    );
  }
  const why = cause instanceof Error ? cause.message : error instanceof Error ? error.message : String(error);
  return new CliError('NETWORK_ERROR', `no connection to ${url.origin}: ${why}`);
}

/** An answer whose body did not come whole. */
export function brokenOff({ url }: Connection, error: unknown): CliError {
  return new CliError('NETWORK_ERROR', `the answer of ${url.origin} broke off: ${(error as Error).message}`);
}

/** Reads `{"error":{"code","message","details"}}`, with or without `"ok":false` beside it. */
function readError(body: string): Omit<Refusal, 'status'> & { readonly message?: string } {
  try {
    const { error } = JSON.parse(body) as { error?: { code?: unknown; message?: unknown; details?: unknown } };
    return {
      ...(typeof error?.code === 'string' ? { code: error.code } : {}),
      ...(typeof error?.message === 'string' ? { message: error.message } : {}),
      details: error?.details,
    };
  } catch {
    return {};
  }
}

function codeOf(error: unknown): string | undefined {
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

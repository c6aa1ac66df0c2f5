import { constants, open } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { printable } from '@reactor/core/terminal';
import { CliError, type CliErrorCode, EXIT } from '../../errors.js';
import type { Client, HttpRequest } from '../../http/client.js';
import { brokenOff } from '../../http/failures.js';
import type { Io } from '../../io.js';
import type { Output } from '../../output.js';
import { callPath } from './server.js';

export interface InvokeOptions {
  readonly method?: string;
  /** The text itself, `@file`, or `-` for standard input. */
  readonly data?: string;
  /** `Name: value`. */
  readonly header?: readonly string[];
  readonly include?: boolean;
}

/** Those that `fetch` does not send. */
const UNSENDABLE = ['CONNECT', 'TRACE', 'TRACK'];

/** Of an error's body, what is looked at for its message. */
const MAX_ERROR_BYTES = 64 * 1024;

/**
 * `reactor functions invoke`: calls a function as the operator. Its answer goes to standard output as it comes; exits as
 * other commands do when its status says that it failed.
 */
export async function invoke(
  client: Client,
  output: Output,
  io: Io,
  name: string,
  path: string | undefined,
  options: InvokeOptions,
): Promise<number> {
  const response = await client.send(await requestOf(io, name, path, options), { accept: 'any' });
  const { status } = response;
  const start: Uint8Array[] = [];
  if (output.format === 'human' || !output.chosen) {
    if (options.include === true) await output.text(headOf(response));
    let length = 0;
    for await (const chunk of bodyOf(client, response)) {
      if (status >= 400 && length < MAX_ERROR_BYTES) start.push(chunk);
      length += chunk.length;
      await output.text(chunk);
    }
    // The error would stand behind it.
    if (status >= 400 && length > 0 && io.stdout.isTTY === true) await output.text('\n');
  } else {
    for await (const chunk of bodyOf(client, response)) start.push(chunk);
    const headers = Object.fromEntries(response.headers);
    await output.result({ status, headers, ...asText(Buffer.concat(start)) }, () => '', status < 400);
  }
  if (status < 400) return EXIT.ok;
  throw failureOf(name, response, Buffer.concat(start));
}

async function requestOf(io: Io, name: string, path: string | undefined, options: InvokeOptions): Promise<HttpRequest> {
  const method = (options.method ?? (options.data === undefined ? 'GET' : 'POST')).toUpperCase();
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(method) || UNSENDABLE.includes(method)) {
    throw new CliError('INVALID_ARGUMENT', `${JSON.stringify(method)} is no method that can be sent`);
  }
  if (options.data !== undefined && (method === 'GET' || method === 'HEAD')) {
    throw new CliError('INVALID_ARGUMENT', `${method} has no body`, 'Leave out --data, or say another method with -X.');
  }
  const given = (options.header ?? []).map(parseHeader);
  const { type, body } = options.data === undefined ? {} : await contentOf(io, options.data);
  const isTyped = given.some(([header]) => header.toLowerCase() === 'content-type');
  const headers = type === undefined || isTyped ? given : [...given, ['Content-Type', type] as const];
  return { method, path: targetOf(name, path), headers, ...(body === undefined ? {} : { body }) };
}

/** @throws CliError `INVALID_ARGUMENT` for a path that is not the function's: the token would go elsewhere with it */
function targetOf(name: string, path: string | undefined): string {
  const base = callPath(name);
  if (path === undefined) return base;
  const target = `${base}${/^[/?]/.test(path) ? '' : '/'}${path}`;
  const { pathname } = new URL(target, 'http://localhost');
  if (pathname === base || pathname.startsWith(`${base}/`)) return target;
  throw new CliError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(path)} leaves the function`,
    'Give a path below it: /orders?limit=5.',
  );
}

function parseHeader(text: string): readonly [string, string] {
  const colon = text.indexOf(':');
  const [name, value] = [text.slice(0, Math.max(0, colon)).trim(), text.slice(colon + 1).trim()];
  try {
    new Headers([[name, value]]);
    return [name, value];
  } catch {
    // Not the text: it may hold a token.
    throw new CliError('INVALID_ARGUMENT', 'a header is not of the form "Name: value"', `-H 'Accept: text/html'`);
  }
}

/** The body, and its type where that is clear. */
async function contentOf(io: Io, data: string): Promise<Pick<HttpRequest, 'body'> & { readonly type?: string }> {
  if (data === '-') return { body: io.stdin };
  if (!data.startsWith('@'))
    return { body: data, type: isJson(data) ? 'application/json' : 'text/plain; charset=utf-8' };
  const file = resolve(io.directory, data.slice(1));
  try {
    const handle = await open(file, constants.O_RDONLY);
    if ((await handle.stat()).isDirectory()) {
      await handle.close();
      throw Object.assign(new Error(), { code: 'EISDIR' });
    }
    return {
      body: handle.createReadStream(),
      ...(extname(file) === '.json' ? { type: 'application/json' } : {}),
    };
  } catch (error) {
    throw new CliError('IO_ERROR', `${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The status and the headers as lines, and an empty one. */
function headOf({ status, statusText, headers }: Response): string {
  const lines = [`${status} ${statusText}`.trim(), ...Array.from(headers, ([name, value]) => `${name}: ${value}`)];
  return `${lines.map(printable).join('\n')}\n\n`;
}

async function* bodyOf(client: Client, { body }: Response): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  try {
    yield* body;
  } catch (error) {
    throw brokenOff(client.connection, error);
  }
}

function asText(bytes: Buffer): { readonly body: string } | { readonly body_base64: string } {
  try {
    return { body: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { body_base64: bytes.toString('base64') };
  }
}

const CODES: Readonly<Record<number, CliErrorCode>> = { 401: 'AUTH_FAILED', 403: 'PERMISSION_DENIED' };

/** Says what the envelope of an error says, where the answer is one. */
function failureOf(name: string, { status, headers }: Response, body: Buffer): CliError {
  const said = messageIn(body);
  const code = CODES[status] ?? (status >= 500 ? 'SERVER_ERROR' : 'CLIENT_ERROR');
  const requestId = headers.get('X-Request-Id');
  const hint =
    status < 500 || requestId === null
      ? undefined
      : `reactor functions logs ${name} --request-id ${requestId} shows what happened.`;
  return new CliError(code, `${name} answered ${status}${said === undefined ? '' : `: ${said}`}`, hint, { status });
}

function messageIn(body: Buffer): string | undefined {
  try {
    const { error } = JSON.parse(body.toString('utf8')) as { readonly error?: { readonly message?: unknown } };
    return typeof error?.message === 'string' ? error.message : undefined;
  } catch {
    return undefined;
  }
}

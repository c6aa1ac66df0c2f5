import type { ServerResponse } from 'node:http';
import type { ReactorEnv } from '@reactor/core';
import type { Context } from 'hono';
import { type AnswerHeaders, NO_SNIFFING } from './answer-headers.js';
import { nodeBindings } from './node-bindings.js';

const REQUEST_ID = 'x-request-id';

/**
 * Sees to it that whatever this request is answered with carries `headers`, where it does not bring its own, and the
 * request id, and no other: a response that came from elsewhere (a function, another service) may bring one of its own.
 * @returns what to call once the handler is done
 */
export function sendHeaders(c: Context<ReactorEnv>, requestId: string, headers: AnswerHeaders): () => void {
  const { outgoing } = nodeBindings(c);
  const added = () => (c.get('ownHeaders') === true ? NO_SNIFFING : headers);
  if (outgoing === undefined) return () => setOnResponse(c, requestId, added());
  addWhenWritten(outgoing, requestId, added);
  return () => {};
}

/**
 * Under Node they are added where the head is written: the adapter's emergency answers carry them too, and Hono's
 * Response stays untouched, which spares the conversion of its headers, a sixth of the CPU time of a small request.
 */
function addWhenWritten(outgoing: ServerResponse, requestId: string, added: () => AnswerHeaders): void {
  const writeHead = outgoing.writeHead as (...args: readonly unknown[]) => ServerResponse;
  // (status), (status, headers), (status, reason) or (status, reason, headers)
  outgoing.writeHead = (...args: readonly unknown[]) => {
    const last = args.at(-1);
    const before = typeof last === 'object' && last !== null ? args.slice(0, -1) : args;
    return writeHead.call(outgoing, ...before, completed(last, requestId, added()));
  };
}

/** @param headers an object, Node's flat array of names and values, or none */
function completed(headers: unknown, requestId: string, added: AnswerHeaders): object {
  if (Array.isArray(headers)) return completedList(headers, requestId, added);
  // Names in lower case, so that none is written twice.
  const all: Record<string, unknown> = { ...added };
  for (const [name, value] of Object.entries(headers ?? {})) all[name.toLowerCase()] = value;
  all[REQUEST_ID] = requestId;
  return all;
}

function completedList(list: readonly unknown[], requestId: string, added: AnswerHeaders): unknown[] {
  const given = new Set(list.filter((_, index) => index % 2 === 0).map((name) => String(name).toLowerCase()));
  const missing = Object.entries(added).filter(([name]) => !given.has(name));
  return [...list, ...missing.flat(), REQUEST_ID, requestId];
}

function setOnResponse(c: Context<ReactorEnv>, requestId: string, added: AnswerHeaders): void {
  try {
    const { headers } = c.res;
    for (const [name, value] of Object.entries(added)) if (!headers.has(name)) headers.set(name, value);
    headers.set(REQUEST_ID, requestId);
  } catch {
    // The headers of a fetched response are immutable; Hono copies them.
    for (const [name, value] of Object.entries(added)) if (!c.res.headers.has(name)) c.header(name, value);
    c.header(REQUEST_ID, requestId);
  }
}

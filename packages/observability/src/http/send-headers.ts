import type { AnswerHeaders } from './answer-headers.js';

const REQUEST_ID = 'x-request-id';

/** What whatever a request is answered with carries, beside what the answer brings. */
export interface AddedHeaders {
  /** Sent instead of any other: a response that came from elsewhere (a function, another service) may bring its own. */
  readonly requestId: string;
  /** Where the answer does not bring its own. */
  readonly headers: AnswerHeaders;
  /** Added to the names that the answer brings in `Vary`. */
  readonly vary?: string | undefined;
}

/**
 * What an answer brings and what is added, as Node's `writeHead` takes it: a flat list of names and values. Added there,
 * they also come with the adapter's emergency answers, and Hono's Response stays untouched, which spares the conversion
 * of its headers.
 * @param given an object, or such a list
 */
export function withHeaders(given: object | undefined, { requestId, headers, vary }: AddedHeaders): unknown[] {
  const brought = Array.isArray(given) ? (given as readonly unknown[]) : flatten(given);
  const list: unknown[] = [];
  let missing = headers;
  let varies = vary;
  for (let i = 0; i < brought.length; i += 2) {
    const name = brought[i] as string;
    const value = brought[i + 1];
    const key = name.toLowerCase();
    if (key === REQUEST_ID) continue;
    if (key === 'vary' && varies !== undefined) {
      list.push(name, `${value}, ${varies}`);
      varies = undefined;
      continue;
    }
    if (key in missing) missing = without(missing, key);
    list.push(name, value);
  }
  for (const name in missing) list.push(name, missing[name]);
  if (varies !== undefined) list.push('vary', varies);
  list.push(REQUEST_ID, requestId);
  return list;
}

function flatten(headers: object | undefined): unknown[] {
  const list: unknown[] = [];
  for (const name in headers) list.push(name, (headers as Record<string, unknown>)[name]);
  return list;
}

function without(headers: AnswerHeaders, name: string): AnswerHeaders {
  const { [name]: _, ...others } = headers;
  return others;
}

/** The same on a Response, where nothing of Node's is there. */
export function responseWithHeaders(response: Response, added: AddedHeaders): Response {
  try {
    setOn(response.headers, added);
    return response;
  } catch {
    // The headers of a fetched response are immutable.
    const copy = new Response(response.body, response);
    setOn(copy.headers, added);
    return copy;
  }
}

function setOn(target: Headers, { requestId, headers, vary }: AddedHeaders): void {
  for (const [name, value] of Object.entries(headers)) if (!target.has(name)) target.set(name, value);
  if (vary !== undefined) target.append('vary', vary);
  target.set(REQUEST_ID, requestId);
}

import { coreErrors, invalidInput, limitBody, type ReactorEnv } from '@reactor/core';
import type { Context, MiddlewareHandler } from 'hono';
import type { z } from 'zod';

/** Room for an account's metadata, and little to parse for what anyone may send. */
export const MAX_BODY_BYTES = 65_536;

/** Far beyond what metadata needs; keeps everything that walks a body off the end of the stack. */
export const MAX_BODY_DEPTH = 32;

/** No wider than what the validators behind it take, which refuse in plain text. */
const JSON_TYPE = /^application\/(?:[a-z.-]+\+)?json(?:;\s*[a-z0-9-]+=[^;]+)*$/i;
const FORM_TYPE = /^application\/x-www-form-urlencoded(?:;\s*[a-z0-9-]+=[^;]+)*$/i;

/** Half of a surrogate pair; with the u flag a whole pair is another character. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Middleware: refuses bodies past the limit (413) while they stream in. */
export const limitAuthBody = limitBody(MAX_BODY_BYTES);

/**
 * Middleware: lets through what the routes and the database can take.
 * @throws ReactorError `invalid_request` (400) for malformed JSON, too deep nesting or characters that cannot be stored,
 *   `unsupported_media_type` (415) for a body that is not JSON, or not a form where one is read
 */
export const checkInput: MiddlewareHandler<ReactorEnv> = async (c, next) => {
  for (const [name, value] of new URL(c.req.url).searchParams) requireStorable([name, value], 'query string');
  if (c.req.method !== 'GET' && c.req.method !== 'HEAD') {
    const text = await c.req.text();
    const contentType = c.req.header('Content-Type');
    if (text !== '' || contentType !== undefined) checkBody(text, contentType ?? '', c.req.path.endsWith('/token'));
  }
  await next();
};

/** Middleware: refuses a request without a body (400). */
export const requireBody: MiddlewareHandler<ReactorEnv> = async (c, next) => {
  if ((await c.req.text()) === '') throw coreErrors.create.invalid_request('The body is empty.');
  await next();
};

/**
 * The JSON body, which `checkInput` has let through, or undefined when none came.
 * @throws ReactorError `invalid_request` (400) where it does not fit `schema`
 */
export async function readBody<T>(c: Context<ReactorEnv>, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await c.req.text();
  if (text === '') return undefined;
  const parsed = schema.safeParse(JSON.parse(text));
  if (!parsed.success) throw invalidInput(parsed.error.issues, 'JSON body');
  return parsed.data;
}

function checkBody(text: string, contentType: string, formAllowed: boolean): void {
  if (JSON_TYPE.test(contentType)) {
    if (text !== '') requireStorable(parseJson(text), 'JSON body');
  } else if (formAllowed && FORM_TYPE.test(contentType)) {
    requireStorable([...new URLSearchParams(text)], 'form body');
  } else {
    const accepted = formAllowed ? 'application/json or application/x-www-form-urlencoded' : 'application/json';
    throw coreErrors.create.unsupported_media_type(`The body must be sent as Content-Type: ${accepted}.`);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw coreErrors.create.invalid_request('The body is not valid JSON.', { cause });
  }
}

function requireStorable(value: unknown, where: string, depth = 0): void {
  if (typeof value === 'string') {
    // Both are valid JSON, but PostgreSQL cannot store them.
    if (value.includes('\u0000') || LONE_SURROGATE.test(value)) {
      throw coreErrors.create.invalid_request(
        `The ${where} contains U+0000 or half of a surrogate pair, which cannot be stored.`,
      );
    }
  } else if (typeof value === 'object' && value !== null) {
    if (depth === MAX_BODY_DEPTH) {
      throw coreErrors.create.invalid_request(`The ${where} is nested deeper than ${MAX_BODY_DEPTH} levels.`);
    }
    for (const [key, item] of Object.entries(value)) {
      requireStorable(key, where);
      requireStorable(item, where, depth + 1);
    }
  }
}

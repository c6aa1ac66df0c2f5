import { coreErrors, type ReactorError } from '@reactor/core';
import type { HonoRequest } from 'hono';

/**
 * `invalid_request` (400) when `error` is what reading the request body failed with, undefined for any other error.
 * Whether a SyntaxError speaks of the body is asked of the body itself: our own JSON.parse may have thrown it too.
 */
export async function fromBodyError(error: Error, { bodyCache }: HonoRequest): Promise<ReactorError | undefined> {
  for (const [form, read] of Object.entries(bodyCache)) {
    if ((await settled(read)).failure === error) {
      return coreErrors.create.invalid_request(`The request body cannot be read as ${form}.`, { cause: error });
    }
  }
  if (!(error instanceof SyntaxError)) return undefined;
  const { value } = await settled(bodyCache.text);
  if (typeof value !== 'string' || jsonProblem(value) !== error.message) return undefined;
  return coreErrors.create.invalid_request(`The request body is not valid JSON: ${error.message}`, { cause: error });
}

/** How a read ended; a read still going on is not waited for. */
async function settled(read: unknown): Promise<{ readonly value?: unknown; readonly failure?: unknown }> {
  try {
    return { value: await Promise.race([read, undefined]) };
  } catch (failure) {
    return { failure };
  }
}

function jsonProblem(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : undefined;
  }
}

import type { z } from 'zod';

/**
 * Gives text from the environment or a flag the type its key wants: the text itself where that is accepted, else a
 * number, boolean, JSON value or comma-separated list. Text that fits nowhere stays as it is, for the schema to refuse.
 */
export function coerceUntyped(value: unknown, type: z.ZodType | undefined): unknown {
  if (typeof value !== 'string' || type === undefined || type.safeParse(value).success) return value;
  for (const candidate of readings(value)) {
    if (type.safeParse(candidate).success) return candidate;
  }
  // A list with a wrong item is better refused for the item.
  for (const candidate of readings(value)) {
    if (type.safeParse(candidate).error?.issues.every(({ path }) => path.length > 0)) return candidate;
  }
  // A number outside its range is better refused as a number than as text.
  return value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : value;
}

function* readings(text: string): Generator<unknown> {
  try {
    yield JSON.parse(text);
  } catch {
    // Not JSON: the other readings follow.
  }
  if (/^(true|false)$/i.test(text)) yield text.toLowerCase() === 'true';
  yield text.split(',').map((item) => item.trim());
}

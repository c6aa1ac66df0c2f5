import type { z } from 'zod';

/** A place of a section that has keys below it: those of a `z.strictObject`, or any of a `z.record`. */
export type Table =
  | { readonly keys: Readonly<Record<string, z.ZodType>> }
  /** Free-form: names are the user's own, and their case is kept. */
  | { readonly anyKey: z.ZodType };

/** The table that `type` is, behind optional and default. A union is one value, whatever it is made of. */
export function tableOf(type: z.ZodType | undefined): Table | undefined {
  const def = unwrapped(type);
  if (def?.type === 'object') return { keys: def.shape as Record<string, z.ZodType> };
  if (def?.type === 'record') return { anyKey: def.valueType as z.ZodType };
  return undefined;
}

/** The type of one key of a table; undefined for a key that it does not have. */
export function typeOf(table: Table, key: string): z.ZodType | undefined {
  if ('anyKey' in table) return table.anyKey;
  return Object.hasOwn(table.keys, key) ? table.keys[key] : undefined;
}

/** The type at a path of keys, and of places in lists, below `type`; undefined where there is none. */
export function typeAt(type: z.ZodType, path: readonly string[]): z.ZodType | undefined {
  let found: z.ZodType | undefined = type;
  for (const key of path) {
    const table = tableOf(found);
    const def = unwrapped(found);
    if (table !== undefined) found = typeOf(table, key);
    else found = def?.type === 'array' ? (def.element as z.ZodType) : undefined;
  }
  return found;
}

function unwrapped(type: z.ZodType | undefined): z.core.$ZodTypes['_zod']['def'] | undefined {
  let found = type as z.core.$ZodTypes | undefined;
  while (found !== undefined && 'innerType' in found._zod.def) found = found._zod.def.innerType as z.core.$ZodTypes;
  return found?._zod.def;
}

/** Whether a value is a table of TOML. */
export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

const BARE_KEY = /^[A-Za-z0-9_-]+$/;

/** The path as TOML writes it: `storage.s3.bucket`, `functions.env."my.key"`. */
export function keyPath(path: readonly string[]): string {
  return path.map((key) => (BARE_KEY.test(key) ? key : JSON.stringify(key))).join('.');
}

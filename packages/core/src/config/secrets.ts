import type { z } from 'zod';
import { isTable } from './tables.js';

/** What stands for a secret wherever configuration is shown. */
export const MASK = '********';

/** `value` with every secret in it masked, at any depth: those whose type says so by `.meta({ secret: true })`. */
export function maskSecrets(type: z.ZodType, value: unknown): unknown {
  if (value === undefined) return undefined;
  if (type.meta()?.secret === true) return MASK;
  const { def } = (type as z.core.$ZodType as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'object':
      return maskTable(value, (key) => def.shape[key]);
    case 'record':
      return maskTable(value, () => def.valueType);
    case 'array':
      return maskList(value, () => def.element);
    case 'tuple':
      return maskList(value, (index) => def.items[index] ?? def.rest ?? undefined);
    case 'union':
      // Each of them may be the one that the value has.
      return maskByEach(def.options, value);
    case 'intersection':
      return maskByEach([def.left, def.right], value);
    case 'pipe':
      return maskByEach([def.in, def.out], value);
    case 'lazy':
      return maskByEach([def.getter()], value);
    default:
      return 'innerType' in def ? maskByEach([def.innerType], value) : value;
  }
}

type Type = z.core.$ZodType;

function maskTable(value: unknown, typeOf: (key: string) => Type | undefined): unknown {
  if (!isTable(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, maskItem(typeOf(key), item)]));
}

function maskList(value: unknown, typeOf: (index: number) => Type | undefined): unknown {
  return Array.isArray(value) ? value.map((item, index) => maskItem(typeOf(index), item)) : value;
}

function maskByEach(types: readonly Type[], value: unknown): unknown {
  return types.reduce((masked, type) => maskItem(type, masked), value);
}

function maskItem(type: Type | undefined, item: unknown): unknown {
  return type === undefined ? item : maskSecrets(type as z.ZodType, item);
}

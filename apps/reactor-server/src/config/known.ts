import { isTable, keyPath, knownInstead, nearest, type Section, tableOf, typeOf } from '@reactor/core';
import type { z } from 'zod';
import type { Setting } from './setting.js';

/** Sections by name. */
export type Sections = Readonly<Record<string, Section>>;

function unknownSection(name: string, origin: string, sections: Sections): string {
  const known = Object.keys(sections);
  const meant = nearest(name, known);
  const hint = meant === undefined ? `known sections: ${known.join(', ')}` : `did you mean [${meant}]?`;
  return `[${keyPath([name])}]: unknown section (${origin}); ${hint}`;
}

/** What is wrong with the path of a setting; undefined for one that a section has. */
export function unknownPath({ path, value, origin }: Setting, sections: Sections): string | undefined {
  const [name = '', ...keys] = path;
  const section = Object.hasOwn(sections, name) ? sections[name] : undefined;
  if (section === undefined) return unknownSection(name, origin, sections);
  if (keys.length === 0 && !isTable(value)) return `[${name}]: must be a table (${origin})`;
  let type: z.ZodType | undefined = section.schema;
  for (const [depth, key] of keys.entries()) {
    const table = tableOf(type);
    const next: z.ZodType | undefined = table && typeOf(table, key);
    if (next === undefined) {
      const parent = path.slice(0, depth + 1);
      return `${keyPath([...parent, key])}: unknown key (${origin}); ${knownInstead(key, type, parent)}`;
    }
    // Assigning it would change what all objects inherit.
    if (key === '__proto__') return `${keyPath(path)}: not accepted as a name (${origin})`;
    type = next;
  }
  return undefined;
}

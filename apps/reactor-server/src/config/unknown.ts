import { nearest } from './nearest.js';
import type { SectionSchemas } from './schema.js';

/** Why this section is refused, with the nearest one that exists. */
export function unknownSection(section: string, origin: string, schemas: SectionSchemas): string {
  const close = nearest(section, Object.keys(schemas));
  const hint = close === undefined ? `known sections: ${Object.keys(schemas).join(', ')}` : `did you mean [${close}]?`;
  return `[${section}]: unknown section (${origin}); ${hint}`;
}

/** The problem with a key path that no schema has; undefined for a known one. */
export function unknownKey(path: string, origin: string, schemas: SectionSchemas): string | undefined {
  const [section = '', key] = path.split('.');
  const schema = schemas[section];
  if (schema === undefined || key === undefined) return unknownSection(section, origin, schemas);
  const keys = Object.keys(schema.shape);
  if (keys.includes(key)) return undefined;
  const close = nearest(key, keys);
  const hint = close === undefined ? `known keys: ${keys.join(', ')}` : `did you mean ${section}.${close}?`;
  return `${section}.${key}: unknown key (${origin}); ${hint}`;
}

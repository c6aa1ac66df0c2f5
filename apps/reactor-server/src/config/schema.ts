import type { z } from 'zod';

/** The table of a section, by key as written in Reactor.toml. `.meta({ secret: true })` marks what is never shown. */
export type SectionSchema = z.ZodObject;
export type SectionSchemas = Readonly<Record<string, SectionSchema>>;

/** What zod's wrappers (optional, default) and objects have in common, as far as it is needed here. */
interface Node {
  readonly shape?: Readonly<Record<string, Node>>;
  unwrap?(): Node;
  meta?(): { readonly secret?: boolean } | undefined;
}

/** The type of a key path below a section, through optional and nested tables. */
export function typeAt(schema: SectionSchema, keys: readonly string[]): z.ZodType | undefined {
  let node: Node | undefined = schema as unknown as Node;
  for (const key of keys) {
    while (node !== undefined && node.shape === undefined) node = node.unwrap?.();
    node = node?.shape?.[key];
  }
  return node as unknown as z.ZodType | undefined;
}

export function isSecret(schema: SectionSchema, key: string): boolean {
  let node = typeAt(schema, [key]) as unknown as Node | undefined;
  while (node !== undefined) {
    if (node.meta?.()?.secret === true) return true;
    node = node.unwrap?.();
  }
  return false;
}

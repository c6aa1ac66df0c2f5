import type { Database, QueryOptions } from '@reactor/core';
import { readCatalog } from '../schema/read-catalog.js';

/** A type that someone declared, as far as its values in JSON go. `name`: when it is one of the exposed schema's own. */
export type DeclaredType =
  | { readonly kind: 'enum'; readonly name?: string; readonly labels: readonly string[] }
  | { readonly kind: 'composite'; readonly name?: string; readonly fields: readonly Field[] }
  | { readonly kind: 'domain'; readonly base: string }
  /** It has a cast to json, which PostgreSQL then uses. */
  | { readonly kind: 'json' };

export interface Field {
  readonly name: string;
  /** SQL text like `Column.type`. */
  readonly type: string;
}

/** What may be written through a view. */
export interface ViewWrites {
  readonly insertable: boolean;
  readonly updatable: boolean;
  /** Names of the columns that take a value. */
  readonly columns: ReadonlySet<string>;
}

/** What the types of a schema need beyond its model, which every request uses and which stays small for that. */
export interface TypeFacts {
  /** By SQL text without modifier, as `format_type` prints it under an empty `search_path`. */
  readonly types: ReadonlyMap<string, DeclaredType>;
  /** Views and materialized views by name. */
  readonly views: ReadonlyMap<string, ViewWrites>;
}

interface TypeRow {
  readonly sql: string;
  readonly kind: DeclaredType['kind'];
  readonly name: string | null;
  readonly base: string | null;
  readonly labels: readonly string[];
  readonly fields: readonly Field[];
}

interface ViewRow {
  readonly name: string;
  readonly insertable: boolean;
  readonly updatable: boolean;
  readonly columns: readonly string[];
}

interface Row {
  readonly types: readonly TypeRow[];
  readonly views: readonly ViewRow[];
}

/**
 * Row types of tables count as composite types, but have no name of their own here. 8 and 4 are the bits of INSERT and
 * UPDATE; a trigger instead of one takes all columns.
 */
const FACTS = `
SELECT
  (SELECT coalesce(json_agg(json_build_object(
    'sql', format_type(t.oid, NULL),
    'kind', CASE WHEN t.typtype = 'c' THEN 'composite' WHEN t.typtype = 'd' THEN 'domain' WHEN casts.found THEN 'json'
      ELSE 'enum' END,
    'name', CASE WHEN t.typnamespace = $1::regnamespace AND (c.relkind IS NULL OR c.relkind = 'c') AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.deptype = 'e' AND (
          (d.classid = 'pg_type'::regclass AND d.objid = t.oid) OR (d.classid = 'pg_class'::regclass AND d.objid = c.oid)
        )
      ) THEN t.typname END,
    'base', CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
    'labels', (SELECT coalesce(json_agg(e.enumlabel ORDER BY e.enumsortorder), '[]')
      FROM pg_enum e WHERE e.enumtypid = t.oid),
    'fields', (SELECT coalesce(json_agg(json_build_object(
        'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)
      ) ORDER BY a.attnum), '[]')
      FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)
  )), '[]')
  FROM pg_type t
  JOIN pg_namespace n ON n.oid = t.typnamespace AND NOT starts_with(n.nspname, 'pg_')
  LEFT JOIN pg_class c ON c.oid = t.typrelid
  CROSS JOIN LATERAL (SELECT EXISTS (
    SELECT FROM pg_cast k WHERE k.castsource = t.oid AND k.casttarget = 'json'::regtype AND k.castmethod = 'f'
  ) AS found) casts
  WHERE t.typtype IN ('c', 'd', 'e') OR casts.found) AS types,
  (SELECT coalesce(json_agg(json_build_object(
    'name', c.relname,
    'insertable', writes.all_ways & 8 <> 0,
    'updatable', writes.all_ways & 4 <> 0,
    'columns', (SELECT coalesce(json_agg(a.attname), '[]')
      FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
        AND (writes.by_itself = 0 OR pg_column_is_updatable(c.oid, a.attnum, true)))
  )), '[]')
  FROM pg_class c
  CROSS JOIN LATERAL (SELECT pg_relation_is_updatable(c.oid, true) AS all_ways,
    pg_relation_is_updatable(c.oid, false) AS by_itself) writes
  WHERE c.relnamespace = $1::regnamespace AND c.relkind IN ('v', 'm')) AS views`;

/** Reads them. @throws as `readCatalog` */
export async function readTypeFacts(database: Database, schema: string, options?: QueryOptions): Promise<TypeFacts> {
  const [row] = await readCatalog<Row>(database, schema, FACTS, options);
  return toFacts(row as Row);
}

function toFacts({ types, views }: Row): TypeFacts {
  return {
    types: new Map(types.map((row) => [row.sql, toDeclaredType(row)])),
    views: new Map(views.map(({ name, columns, ...view }) => [name, { ...view, columns: new Set(columns) }])),
  };
}

function toDeclaredType({ kind, name, base, labels, fields }: TypeRow): DeclaredType {
  const own = name === null ? {} : { name };
  switch (kind) {
    case 'enum':
      return { kind, labels, ...own };
    case 'composite':
      return { kind, fields, ...own };
    case 'domain':
      return { kind, base: base ?? 'text' };
    case 'json':
      return { kind };
  }
}

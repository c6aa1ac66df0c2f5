import { QueryError } from '../query/query-error.js';
import { quoted } from '../query/scanner.js';
import type { SchemaModel } from '../schema/model.js';
import { type Fragment, ownTypeOf, sql } from './sql.js';

/** Built-in types that a request may cast to. Those that look into the catalog (`regclass`) are left out on purpose. */
const BUILT_IN: ReadonlyMap<string, Fragment> = new Map(
  [
    sql`bigint`,
    sql`bit`,
    sql`bool`,
    sql`boolean`,
    sql`bytea`,
    sql`char`,
    sql`character varying`,
    sql`cidr`,
    sql`date`,
    sql`decimal`,
    sql`double precision`,
    sql`float`,
    sql`float4`,
    sql`float8`,
    sql`inet`,
    sql`int`,
    sql`int2`,
    sql`int4`,
    sql`int8`,
    sql`integer`,
    sql`interval`,
    sql`json`,
    sql`jsonb`,
    sql`macaddr`,
    sql`money`,
    sql`numeric`,
    sql`real`,
    sql`smallint`,
    sql`text`,
    sql`time`,
    sql`timestamp`,
    sql`timestamp with time zone`,
    sql`timestamp without time zone`,
    sql`timestamptz`,
    sql`timetz`,
    sql`uuid`,
    sql`varchar`,
    sql`xml`,
  ].map((type) => [String(type), type]),
);

/**
 * SQL of a type that a request names: a built-in one or, by its bare name, one of the database's own that some column
 * has; `[]` makes it an array.
 * @throws QueryError 42704 for any other
 */
export function castType(model: SchemaModel, asked: string): Fragment {
  const isArray = asked.endsWith('[]');
  const name = isArray ? asked.slice(0, -2) : asked;
  const type = BUILT_IN.get(name.toLowerCase()) ?? ownType(model, name);
  if (type !== undefined) return isArray ? sql`${type}[]` : type;
  throw new QueryError('invalid_query', '42704', `a cast to the type ${quoted(asked)} is not possible`, {
    hint: `Accepted are types of columns and ${[...BUILT_IN.keys()].join(', ')}; each with [] for an array.`,
  });
}

function ownType(model: SchemaModel, name: string): Fragment | undefined {
  for (const { columns } of model.relations.values()) {
    for (const column of columns.values()) {
      const own = ownTypeOf(column);
      if (own?.name === name) return own.type;
    }
  }
  return undefined;
}

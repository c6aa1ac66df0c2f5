import { QueryError } from '../query/query-error.js';
import { quoted } from '../query/scanner.js';
import type { SchemaModel } from '../schema/model.js';

/** Built-in types that a request may cast to. Those that look into the catalog (`regclass`) are left out on purpose. */
const BUILT_IN: ReadonlySet<string> = new Set([
  'bigint',
  'bit',
  'bool',
  'boolean',
  'bytea',
  'char',
  'character varying',
  'cidr',
  'date',
  'decimal',
  'double precision',
  'float',
  'float4',
  'float8',
  'inet',
  'int',
  'int2',
  'int4',
  'int8',
  'integer',
  'interval',
  'json',
  'jsonb',
  'macaddr',
  'money',
  'numeric',
  'real',
  'smallint',
  'text',
  'time',
  'timestamp',
  'timestamp with time zone',
  'timestamp without time zone',
  'timestamptz',
  'timetz',
  'uuid',
  'varchar',
  'xml',
]);

const ENUM_OR_DOMAIN = /^(?:"(?:[^"]|"")*"|[^".]+)\.(?:"((?:[^"]|"")*)"|([^".[(]+))/;

/**
 * SQL of a type that a request names: a built-in one or, by its bare name, one of the database's own that some column
 * has; `[]` makes it an array.
 * @throws QueryError 42704 for any other
 */
export function castType(model: SchemaModel, asked: string): string {
  const isArray = asked.endsWith('[]');
  const name = isArray ? asked.slice(0, -2) : asked;
  const type = BUILT_IN.has(name.toLowerCase()) ? name.toLowerCase() : ownType(model, name);
  if (type !== undefined) return isArray ? `${type}[]` : type;
  throw new QueryError('invalid_query', '42704', `a cast to the type ${quoted(asked)} is not possible`, {
    hint: `Accepted are types of columns and ${[...BUILT_IN].join(', ')}; each with [] for an array.`,
  });
}

function ownType(model: SchemaModel, name: string): string | undefined {
  for (const { columns } of model.relations.values()) {
    for (const { type } of columns.values()) {
      const match = ENUM_OR_DOMAIN.exec(type);
      if (match !== null && (match[1]?.replaceAll('""', '"') ?? match[2]) === name) return match[0];
    }
  }
  return undefined;
}

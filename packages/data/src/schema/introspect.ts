import type { Database } from '@reactor/core';
import { INTROSPECTION } from './introspection-sql.js';
import type {
  Column,
  DatabaseFunction,
  ForeignKey,
  FunctionArgument,
  FunctionResult,
  Relation,
  RelationKind,
  SchemaModel,
  Volatility,
} from './model.js';
import { inheritForeignKeys, type KeyByNumber } from './view-keys.js';

/** Rows as the introspection statement answers them; null stands for what is absent. */
interface ColumnRow extends Pick<Column, 'name' | 'type' | 'nullable' | 'generated'> {
  readonly number: number;
  readonly default: string | null;
  readonly enumLabels: readonly string[] | null;
  readonly comment: string | null;
}

export interface RelationRow {
  readonly oid: number;
  readonly name: string;
  readonly kind: RelationKind;
  readonly rowSecurity: boolean;
  readonly securityInvoker: boolean;
  readonly columns: readonly ColumnRow[];
  readonly primaryKey: readonly number[] | null;
  /** The stored rule of a view. */
  readonly definition: string | null;
  readonly comment: string | null;
}

interface FunctionRow {
  readonly name: string;
  readonly arguments: readonly {
    readonly name: string;
    readonly type: string;
    readonly variadic: boolean;
    readonly rowOf: string | null;
  }[];
  readonly defaults: number;
  readonly out: readonly { readonly name: string; readonly type: string }[] | null;
  readonly returns: string;
  readonly returnsRelation: string | null;
  readonly returnsColumns: readonly ColumnRow[] | null;
  readonly returnsSet: boolean;
  readonly volatility: Volatility;
  readonly comment: string | null;
}

interface Row {
  readonly relations: readonly RelationRow[];
  readonly foreign_keys: readonly KeyByNumber[];
  readonly functions: readonly FunctionRow[];
}

/** Reads what `schema` offers, in one round trip. */
export async function introspect(database: Database, schema: string): Promise<SchemaModel> {
  const connection = await database.connect();
  try {
    const [, result] = await connection.pipeline([
      { text: `SELECT set_config('search_path', '', true)` },
      { text: INTROSPECTION, values: [quote(schema)] },
    ]);
    return toModel(schema, result?.rows[0] as unknown as Row);
  } finally {
    connection.release();
  }
}

function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

function toModel(schema: string, row: Row): SchemaModel {
  return {
    schema,
    relations: new Map(row.relations.map((relation) => [relation.name, toRelation(relation)])),
    foreignKeys: toForeignKeys(row),
    functions: byName(row.functions.map(toFunction)),
  };
}

function byName(functions: readonly DatabaseFunction[]): ReadonlyMap<string, readonly DatabaseFunction[]> {
  const groups = new Map<string, DatabaseFunction[]>();
  for (const one of functions) {
    const group = groups.get(one.name);
    if (group === undefined) groups.set(one.name, [one]);
    else group.push(one);
  }
  return groups;
}

function toRelation(row: RelationRow): Relation {
  const names = new Map(row.columns.map(({ number, name }) => [number, name]));
  return {
    name: row.name,
    kind: row.kind,
    rowSecurity: row.rowSecurity,
    securityInvoker: row.securityInvoker,
    columns: toColumns(row.columns),
    primaryKey: (row.primaryKey ?? []).flatMap((number) => names.get(number) ?? []),
    ...(row.comment === null ? {} : { comment: row.comment }),
  };
}

function toColumns(rows: readonly ColumnRow[]): ReadonlyMap<string, Column> {
  return new Map(
    rows.map(({ name, type, nullable, generated, default: value, enumLabels, comment }) => [
      name,
      {
        name,
        type,
        nullable,
        generated,
        ...(value === null ? {} : { default: value }),
        ...(enumLabels === null ? {} : { enumLabels }),
        ...(comment === null ? {} : { comment }),
      },
    ]),
  );
}

function toForeignKeys({ relations, foreign_keys: keys }: Row): readonly ForeignKey[] {
  const byOid = new Map(
    relations.map(({ oid, name, columns }) => [
      oid,
      { name, columns: new Map(columns.map((column) => [column.number, column.name])) },
    ]),
  );
  const namesOf = (relation: number, numbers: readonly number[]) =>
    numbers.flatMap((number) => byOid.get(relation)?.columns.get(number) ?? []);
  return inheritForeignKeys(relations, keys).flatMap((key) => {
    const relation = byOid.get(key.relation)?.name;
    const referencedRelation = byOid.get(key.referencedRelation)?.name;
    if (relation === undefined || referencedRelation === undefined) return [];
    return [
      {
        name: key.name,
        relation,
        columns: namesOf(key.relation, key.columns),
        referencedRelation,
        referencedColumns: namesOf(key.referencedRelation, key.referencedColumns),
        unique: key.unique,
      },
    ];
  });
}

function toFunction(row: FunctionRow): DatabaseFunction {
  const firstDefault = row.arguments.length - row.defaults;
  return {
    name: row.name,
    arguments: row.arguments.map(
      ({ name, type, variadic, rowOf }, i): FunctionArgument => ({
        name,
        type,
        hasDefault: i >= firstDefault,
        variadic,
        ...(rowOf === null ? {} : { rowOf }),
      }),
    ),
    returns: toResult(row),
    returnsSet: row.returnsSet,
    volatility: row.volatility,
    ...(row.comment === null ? {} : { comment: row.comment }),
  };
}

function toResult({ out, returns, returnsRelation, returnsColumns }: FunctionRow): FunctionResult {
  if (returns === 'void') return { kind: 'void' };
  if (out !== null) {
    const columns = out.map(({ name, type }): [string, Column] => [
      name,
      { name, type, nullable: true, generated: 'never' },
    ]);
    return { kind: 'columns', columns: new Map(columns) };
  }
  if (returnsRelation !== null) return { kind: 'relation', relation: returnsRelation };
  if (returnsColumns !== null) return { kind: 'columns', columns: toColumns(returnsColumns) };
  return { kind: 'scalar', type: returns };
}

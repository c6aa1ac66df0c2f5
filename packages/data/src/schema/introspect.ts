import { createHash } from 'node:crypto';
import { createBreathe, type Database } from '@reactor/core';
import { INTROSPECTION } from './introspection-sql.js';
import type {
  Column,
  DatabaseFunction,
  ForeignKey,
  FunctionArgument,
  FunctionResult,
  Relation,
  SchemaModel,
  Volatility,
} from './model.js';
import { type CatalogOptions, readCatalog } from './read-catalog.js';
import type { ColumnRow, RelationRow } from './rows.js';
import { inheritForeignKeys, type KeyByNumber } from './view-keys.js';
import { openViews, type ViewRead } from './view-reads.js';

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

/** An entry of one of `Lists`. */
interface EntryRow {
  readonly name: keyof Lists;
  /** Bytes of the list, when they are more than is read. */
  readonly tooLong: number | null;
  /** JSON; null when the list has none, or is too long. */
  readonly item: string | null;
}

interface Lists {
  readonly relations: readonly RelationRow[];
  /** What security invokers read. */
  readonly reads: readonly ViewRead[];
  readonly foreign_keys: readonly KeyByNumber[];
  readonly functions: readonly FunctionRow[];
}

/** One reading of a schema. */
export interface SchemaReading {
  readonly model: SchemaModel;
  /** The same text for the same schema, and another one for any other, also for one made again just like it. */
  readonly fingerprint: string;
}

/** Reads what `schema` offers. @throws Error when it is too large, and as `readCatalog` */
export async function readSchema(database: Database, schema: string, options?: CatalogOptions): Promise<SchemaReading> {
  const rows = await readCatalog<EntryRow>(database, schema, INTROSPECTION, options);
  const breathe = createBreathe();
  const hash = createHash('sha256');
  const lists: Record<keyof Lists, unknown[]> = { relations: [], reads: [], foreign_keys: [], functions: [] };
  for (const { name, tooLong, item } of rows) {
    await breathe();
    if (tooLong !== null)
      throw new Error(`the ${name} of the schema ${schema} are ${tooLong} bytes, more than is read`);
    if (item === null) continue;
    hash.update(item);
    lists[name].push(JSON.parse(item));
  }
  return { model: await toModel(schema, lists as unknown as Lists, breathe), fingerprint: hash.digest('base64') };
}

/** The model alone. @throws as `readSchema` */
export async function introspect(database: Database, schema: string, options?: CatalogOptions): Promise<SchemaModel> {
  return (await readSchema(database, schema, options)).model;
}

async function toModel(schema: string, lists: Lists, breathe: () => Promise<void>): Promise<SchemaModel> {
  const open = openViews(lists.reads);
  const relations = new Map<string, Relation>();
  for (const row of lists.relations) {
    await breathe();
    relations.set(row.name, toRelation(row, open));
  }
  const foreignKeys = toForeignKeys(lists);
  await breathe();
  return { schema, relations, foreignKeys, functions: byName(lists.functions.map(toFunction)) };
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

function toRelation(row: RelationRow, open: ReadonlySet<number>): Relation {
  const names = new Map(row.columns.map(({ number, name }) => [number, name]));
  return {
    name: row.name,
    kind: row.kind,
    rowSecurity: row.kind === 'view' ? row.securityInvoker && !open.has(row.oid) : row.rowSecurity,
    securityInvoker: row.securityInvoker,
    columns: toColumns(row.columns),
    primaryKey: (row.primaryKey ?? []).flatMap((number) => names.get(number) ?? []),
    ...(row.comment === null ? {} : { comment: row.comment }),
  };
}

function toColumns(rows: readonly ColumnRow[]): ReadonlyMap<string, Column> {
  return new Map(
    rows.map(({ name, type, arrayless, nullable, generated, default: value, enumLabels, comment }) => [
      name,
      {
        name,
        type,
        nullable,
        generated,
        ...(arrayless ? { arrayless } : {}),
        ...(value === null ? {} : { default: value }),
        ...(enumLabels === null ? {} : { enumLabels }),
        ...(comment === null ? {} : { comment }),
      },
    ]),
  );
}

function toForeignKeys({ relations, foreign_keys: keys }: Lists): readonly ForeignKey[] {
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

import {
  type DatabaseFunction,
  type ForeignKey,
  isEnforced,
  type Relation,
  type SchemaModel,
} from '../schema/model.js';
import type { TypeFacts } from './facts.js';
import { type FunctionContext, functionType } from './function-type.js';
import { tableType, viewType } from './relation-type.js';
import { member, objectType, stringLiteral, unionType } from './syntax.js';
import { enumType, ValueTypes } from './value-type.js';

/**
 * The version of PostgREST whose features the client may use: spreading a list, and `maxAffected`, came with 13.
 */
const POSTGREST_VERSION = '13';

const NOT_WRITABLE = { insertable: false, updatable: false, columns: new Set<string>() };

/**
 * TypeScript source with the type `Database`, for `PostgrestClient<Database>` of `@supabase/postgrest-js`. It holds what
 * requests may use: a relation without row-level security is not in it. The same schema gives the same text.
 */
export function describeInTypeScript(model: SchemaModel, facts: TypeFacts): string {
  const relations = [...model.relations.values()].filter(isEnforced);
  const schema = `Database[${stringLiteral(model.schema)}]`;
  const values = new ValueTypes(facts, (section, name) => `${schema}["${section}"][${stringLiteral(name)}]`);
  const described = new Map(relations.map(({ name, kind }) => [name, isView(kind) ? 'Views' : 'Tables']));
  const keys = foreignKeysOf(model, described);

  const views = relations.filter(({ kind }) => isView(kind));
  const tables = relations.filter(({ kind }) => !isView(kind));
  const functions: FunctionContext = {
    values,
    relations: model.relations,
    rowReference: (name) => {
      const section = described.get(name);
      return section === undefined ? undefined : `${schema}["${section}"][${stringLiteral(name)}]["Row"]`;
    },
  };
  const body = objectType([
    member('Tables', objectType(tables.map((one) => named(one, tableType(one, keys.get(one.name) ?? [], values))))),
    member(
      'Views',
      objectType(
        views.map((one) => {
          const writes = facts.views.get(one.name) ?? NOT_WRITABLE;
          return named(one, viewType(one, keys.get(one.name) ?? [], writes, values));
        }),
      ),
    ),
    member('Functions', objectType(functionMembers(model, functions))),
    member('Enums', declaredTypes(facts, values, 'enum')),
    member('CompositeTypes', declaredTypes(facts, values, 'composite')),
  ]);
  const database = objectType([
    member('__InternalSupabase', objectType([member('PostgrestVersion', stringLiteral(POSTGREST_VERSION))]), {
      comment: 'Tells the client which features there are; no schema.',
    }),
    member(model.schema, body),
  ]);
  return `${JSON_TYPE}\nexport type Database = ${database};\n\n${shorthands(schema)}`;
}

const JSON_TYPE = `// Made from the database by Reactor; changes are lost when it is made again.

export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[];
`;

function shorthands(schema: string): string {
  const shorthand = (comment: string, type: string, key: string) =>
    `/** ${comment} */\nexport type ${type}<Name extends keyof Relations> =\n` +
    `  Relations[Name] extends { ${key}: infer ${key} } ? ${key} : never;\n`;
  return (
    `type Relations = ${schema}["Tables"] & ${schema}["Views"];\n` +
    shorthand('A row as it is read: `Tables<"todos">`.', 'Tables', 'Row') +
    shorthand('What a new row needs.', 'TablesInsert', 'Insert') +
    shorthand('What may be changed in a row.', 'TablesUpdate', 'Update') +
    `/** The labels of an enum. */\nexport type Enums<Name extends keyof ${schema}["Enums"]> = ${schema}["Enums"][Name];\n`
  );
}

function named({ name, comment }: Relation, type: string): string {
  return member(name, type, { comment });
}

function isView(kind: Relation['kind']): boolean {
  return kind === 'view' || kind === 'materialized view';
}

/** By the relation that has them, those that lead to another one that is described. */
function foreignKeysOf(
  { foreignKeys }: SchemaModel,
  described: ReadonlyMap<string, unknown>,
): ReadonlyMap<string, readonly ForeignKey[]> {
  // Two tables below one view may have keys of the same name.
  const text = (key: ForeignKey) => JSON.stringify([key.name, key.referencedRelation, key.columns]);
  const known = foreignKeys.filter((key) => described.has(key.referencedRelation));
  const sorted = known.sort((a, b) => compare(text(a), text(b)));
  return new Map([...described.keys()].map((name) => [name, sorted.filter(({ relation }) => relation === name)]));
}

function functionMembers({ functions }: SchemaModel, context: FunctionContext): string[] {
  return [...functions].flatMap(([name, all]) => {
    // Unlike names, overloads have no order that another copy of the database would share.
    const types = all.flatMap((one) => functionType(one, context) ?? []).sort(compare);
    return types.length === 0 ? [] : [member(name, unionType([...new Set(types)]), { comment: commentOf(all) })];
  });
}

function commentOf(overloads: readonly DatabaseFunction[]): string | undefined {
  const comments = overloads.flatMap(({ comment }) => comment ?? []).sort(compare);
  return comments.length === 0 ? undefined : comments.join('\n\n');
}

/** The exposed schema's own types of one kind; those of others are written out where they are used. */
function declaredTypes({ types }: TypeFacts, values: ValueTypes, kind: 'enum' | 'composite'): string {
  const own = [...types.values()].flatMap((type) => {
    if (type.kind !== kind || type.name === undefined) return [];
    return [{ name: type.name, type: type.kind === 'enum' ? enumType(type.labels) : values.composite(type.fields) }];
  });
  return objectType(own.sort((a, b) => compare(a.name, b.name)).map(({ name, type }) => member(name, type)));
}

/** By code units, whatever the language of the machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

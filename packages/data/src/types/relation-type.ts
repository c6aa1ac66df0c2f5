import type { Column, ForeignKey, Relation } from '../schema/model.js';
import type { ViewWrites } from './facts.js';
import { member, objectType, stringLiteral } from './syntax.js';
import { orNull, type ValueTypes } from './value-type.js';

/** @param foreignKeys its own, in order */
export function tableType(relation: Relation, foreignKeys: readonly ForeignKey[], values: ValueTypes): string {
  const columns = [...relation.columns.values()];
  return objectType([
    member('Row', rowType(columns, values)),
    member('Insert', insertType(columns, values)),
    member('Update', updateType(columns, values)),
    member('Relationships', relationships(foreignKeys)),
  ]);
}

/** Without `Insert` or `Update` where PostgreSQL refuses them. */
export function viewType(
  relation: Relation,
  foreignKeys: readonly ForeignKey[],
  { insertable, updatable, columns: written }: ViewWrites,
  values: ValueTypes,
): string {
  const columns = [...relation.columns.values()];
  const writable = columns.map((column): Column => {
    return written.has(column.name) ? column : { ...column, generated: 'always' };
  });
  return objectType([
    member('Row', rowType(columns, values)),
    ...(insertable ? [member('Insert', insertType(writable, values))] : []),
    ...(updatable ? [member('Update', updateType(writable, values))] : []),
    member('Relationships', relationships(foreignKeys)),
  ]);
}

export function rowType(columns: readonly Column[], values: ValueTypes): string {
  return objectType(
    columns.map((column) => member(column.name, columnType(column, values), { comment: column.comment })),
  );
}

function insertType(columns: readonly Column[], values: ValueTypes): string {
  return writeType(columns, values, ({ nullable, default: value }) => nullable || value !== undefined);
}

function updateType(columns: readonly Column[], values: ValueTypes): string {
  return writeType(columns, values, () => true);
}

/** A generated column is there and takes nothing, so that a mistake is told by its name. */
function writeType(columns: readonly Column[], values: ValueTypes, isOptional: (column: Column) => boolean): string {
  return objectType(
    columns.map((column) => {
      const type = column.generated === 'always' ? 'never' : columnType(column, values);
      return member(column.name, type, {
        optional: column.generated === 'always' || isOptional(column),
        comment: column.comment,
      });
    }),
  );
}

function columnType({ type, nullable }: Column, values: ValueTypes): string {
  return nullable ? orNull(values.of(type)) : values.of(type);
}

function relationships(foreignKeys: readonly ForeignKey[]): string {
  const tuple = foreignKeys.map((key) =>
    objectType([
      member('foreignKeyName', stringLiteral(key.name)),
      member('columns', names(key.columns)),
      member('isOneToOne', String(key.unique)),
      member('referencedRelation', stringLiteral(key.referencedRelation)),
      member('referencedColumns', names(key.referencedColumns)),
    ]),
  );
  return tuple.length === 0 ? '[]' : `[${tuple.join(', ')}]`;
}

function names(list: readonly string[]): string {
  return `[${list.map(stringLiteral).join(', ')}]`;
}

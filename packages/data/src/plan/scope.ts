import { nearest } from '@reactor/core';
import { QueryError } from '../query/query-error.js';
import { quoted } from '../query/scanner.js';
import type { Column, Relation } from '../schema/model.js';
import { type Fragment, member } from './sql.js';

/** A FROM item and the columns it has. */
export class Scope {
  readonly alias: Fragment;
  /** SQL of the FROM item, with the alias. */
  readonly from: Fragment;
  /** What errors call it. */
  readonly name: string;
  /** Undefined for rows that are no relation's; nothing can be embedded into them. */
  readonly relation: Relation | undefined;
  readonly columns: ReadonlyMap<string, Column>;
  /** Columns that the statement reads. */
  readonly used = new Set<string>();

  constructor(options: {
    readonly alias: Fragment;
    readonly from: Fragment;
    readonly name: string;
    readonly relation?: Relation | undefined;
    readonly columns: ReadonlyMap<string, Column>;
  }) {
    this.alias = options.alias;
    this.from = options.from;
    this.name = options.name;
    this.relation = options.relation;
    this.columns = options.columns;
  }

  /** @throws QueryError 42703 when there is no such column */
  column(name: string): { readonly value: Fragment; readonly column: Column } {
    const column = this.columns.get(name);
    if (column === undefined) throw unknownColumn('42703', name, this.name, this.columns);
    this.used.add(name);
    return { value: member(this.alias, name), column };
  }
}

/** @param code 42703 in what is read, PGRST204 in what is written */
export function unknownColumn(
  code: '42703' | 'PGRST204',
  name: string,
  owner: string,
  columns: ReadonlyMap<string, Column>,
): QueryError {
  const meant = nearest(name, columns.keys());
  return new QueryError('column_not_found', code, `${quoted(owner)} has no column ${quoted(name)}`, {
    ...(meant === undefined ? {} : { hint: `Perhaps ${quoted(meant)} was meant.` }),
  });
}

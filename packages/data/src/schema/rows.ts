import type { Column, RelationKind } from './model.js';

/** A column as the introspection statement answers it; null stands for what is absent. */
export interface ColumnRow extends Pick<Column, 'name' | 'type' | 'nullable' | 'generated'> {
  readonly number: number;
  readonly arrayless: boolean;
  readonly default: string | null;
  readonly enumLabels: readonly string[] | null;
  readonly comment: string | null;
}

/** A table or view as the introspection statement answers it. */
export interface RelationRow {
  readonly oid: number;
  readonly name: string;
  readonly kind: RelationKind;
  /** Of a table. */
  readonly rowSecurity: boolean;
  readonly securityInvoker: boolean;
  readonly columns: readonly ColumnRow[];
  readonly primaryKey: readonly number[] | null;
  /** The stored rule of a view. */
  readonly definition: string | null;
  readonly comment: string | null;
}

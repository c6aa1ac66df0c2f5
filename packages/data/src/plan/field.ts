import type { Field } from '../query/ast.js';
import type { PlanContext } from './context.js';
import type { Scope } from './scope.js';
import { type Fragment, join, sql } from './sql.js';

/** An expression and the type that PostgreSQL gives it, as far as a statement depends on it. */
export interface Expression {
  readonly value: Fragment;
  readonly type: string;
}

/** A column, or what its JSON has at a path. @throws QueryError 42703 */
export function fieldExpression(context: PlanContext, scope: Scope, field: Field): Expression {
  const { value, column } = scope.column(field.column);
  if (field.path.length === 0) return { value, type: column.type };
  const isJson = column.type === 'json' || column.type === 'jsonb';
  const steps = field.path.map(({ as, key }) => {
    const arrow = as === 'text' ? sql`->>` : sql`->`;
    return sql` ${arrow} ${context.parameter(key)}::${typeof key === 'number' ? sql`integer` : sql`text`}`;
  });
  return {
    // Rows and arrays have paths too, through their JSON.
    value: sql`(${isJson ? value : sql`to_jsonb(${value})`}${join(steps, '')})`,
    type: field.path.at(-1)?.as === 'text' ? 'text' : isJson ? column.type : 'jsonb',
  };
}

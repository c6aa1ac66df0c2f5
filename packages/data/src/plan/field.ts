import type { Field } from '../query/ast.js';
import type { PlanContext } from './context.js';
import type { Scope } from './scope.js';

/** An expression and the type that PostgreSQL gives it, as far as a statement depends on it. */
export interface Expression {
  readonly sql: string;
  readonly type: string;
}

/** A column, or what its JSON has at a path. @throws QueryError 42703 */
export function fieldExpression(context: PlanContext, scope: Scope, field: Field): Expression {
  const { sql, column } = scope.column(field.column);
  if (field.path.length === 0) return { sql, type: column.type };
  const isJson = column.type === 'json' || column.type === 'jsonb';
  const steps = field.path.map(({ as, key }) => {
    const arrow = as === 'text' ? '->>' : '->';
    return ` ${arrow} ${context.parameter(key)}::${typeof key === 'number' ? 'integer' : 'text'}`;
  });
  return {
    // Rows and arrays have paths too, through their JSON.
    sql: `(${isJson ? sql : `to_jsonb(${sql})`}${steps.join('')})`,
    type: field.path.at(-1)?.as === 'text' ? 'text' : isJson ? column.type : 'jsonb',
  };
}

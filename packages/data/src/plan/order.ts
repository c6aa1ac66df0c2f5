import type { OrderTerm } from '../query/ast.js';

/** One item of ORDER BY. */
export function orderSql({ direction, nulls }: OrderTerm, expression: string): string {
  const place = nulls === undefined ? '' : ` NULLS ${nulls === 'first' ? 'FIRST' : 'LAST'}`;
  return `${expression} ${direction === 'asc' ? 'ASC' : 'DESC'}${place}`;
}

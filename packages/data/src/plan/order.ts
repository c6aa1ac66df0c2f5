import type { OrderTerm } from '../query/ast.js';
import { type Fragment, sql } from './sql.js';

const DIRECTIONS = { asc: sql`ASC`, desc: sql`DESC` };
const NULLS = { first: sql` NULLS FIRST`, last: sql` NULLS LAST`, unsaid: sql`` };

/** One item of ORDER BY. */
export function orderSql({ direction, nulls }: OrderTerm, expression: Fragment): Fragment {
  return sql`${expression} ${DIRECTIONS[direction]}${NULLS[nulls ?? 'unsaid']}`;
}

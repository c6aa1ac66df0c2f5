import type { Comparison, Condition, TextSearch } from '../query/ast.js';
import { QueryError } from '../query/query-error.js';
import { quoted } from '../query/scanner.js';
import { columnType } from './assumptions.js';
import type { PlanContext } from './context.js';
import { type Expression, fieldExpression } from './field.js';
import type { Scope } from './scope.js';
import { arrayLiteral, type Fragment, join, sql } from './sql.js';

const COMPARISON_SQL: Record<Comparison, Fragment> = {
  eq: sql`=`,
  neq: sql`<>`,
  gt: sql`>`,
  gte: sql`>=`,
  lt: sql`<`,
  lte: sql`<=`,
  like: sql`LIKE`,
  ilike: sql`ILIKE`,
  match: sql`~`,
  imatch: sql`~*`,
  isdistinct: sql`IS DISTINCT FROM`,
  cs: sql`@>`,
  cd: sql`<@`,
  ov: sql`&&`,
  sl: sql`<<`,
  sr: sql`>>`,
  nxl: sql`&>`,
  nxr: sql`&<`,
  adj: sql`-|-`,
};

const QUANTIFIERS = { any: sql`ANY`, all: sql`ALL` };

const QUERY_FUNCTIONS: Record<TextSearch, Fragment> = {
  fts: sql`to_tsquery`,
  plfts: sql`plainto_tsquery`,
  phfts: sql`phraseto_tsquery`,
  wfts: sql`websearch_to_tsquery`,
};

const IS_SQL = {
  null: sql`NULL`,
  not_null: sql`NOT NULL`,
  true: sql`TRUE`,
  false: sql`FALSE`,
  unknown: sql`UNKNOWN`,
};

/** Types that `to_tsvector` reads; anything else is taken for a `tsvector`. */
const SEARCHED_AS_TEXT = /^(?:text|json|jsonb|name|character(?: varying)?(?:\(\d+\))?)$/;

/** Whether something is embedded under a name; undefined when this level embeds nothing of that name. */
export type EmbeddedRows = (name: string) => Fragment | undefined;

/** @throws QueryError 42703 for an unknown column, PGRST120 for an embed that is asked anything but `is.null` */
export function conditionSql(
  context: PlanContext,
  scope: Scope,
  condition: Condition,
  embeddedRows: EmbeddedRows,
): Fragment {
  const positive = positiveSql(context, scope, condition, embeddedRows);
  return condition.negated ? sql`NOT (${positive})` : positive;
}

/**
 * Parameters have no type here: PostgreSQL gives each the type of what it is compared with, so `integer` and `uuid`
 * columns keep their indexes and a value of another form is its error, not a guess of ours. It does so once and for all,
 * so the statement must assert the type of the column.
 */
function positiveSql(context: PlanContext, scope: Scope, condition: Condition, embeddedRows: EmbeddedRows): Fragment {
  if (condition.kind === 'group') {
    const parts = condition.conditions.map((part) => conditionSql(context, scope, part, embeddedRows));
    return sql`(${join(parts, condition.operator === 'and' ? ' AND ' : ' OR ')})`;
  }
  if (condition.kind === 'is') {
    const rows = embeddedNullTest(condition, embeddedRows);
    if (rows !== undefined) return condition.value === 'null' ? sql`NOT ${rows}` : rows;
  }
  const { column } = condition.field;
  if (!scope.columns.has(column) && embeddedRows(column) !== undefined) {
    throw new QueryError('invalid_query', 'PGRST120', `${quoted(column)} is embedded, and is not a column to compare`, {
      hint: `Accepted are is.null and not.is.null, and filters on its columns: ${column}.<column>=….`,
    });
  }
  const field = fieldExpression(context, scope, condition.field);
  if (condition.kind !== 'is' && scope.relation !== undefined) {
    context.assume(columnType(context.model, scope.relation, scope.column(column).column));
  }
  switch (condition.kind) {
    case 'is':
      return sql`${field.value} IS ${IS_SQL[condition.value]}`;
    case 'in':
      return sql`${field.value} = ANY (${context.parameter(arrayLiteral(condition.values))})`;
    case 'text search': {
      const language =
        condition.language === undefined ? sql`` : sql`${context.parameter(condition.language)}::regconfig, `;
      const document = SEARCHED_AS_TEXT.test(field.type) ? sql`to_tsvector(${language}${field.value})` : field.value;
      const query = sql`${QUERY_FUNCTIONS[condition.operator]}(${language}${context.parameter(condition.operand)}::text)`;
      return sql`${document} @@ ${query}`;
    }
    case 'comparison': {
      const { operator, quantifier } = condition;
      const isPattern = operator === 'like' || operator === 'ilike';
      const operand = context.parameter(
        isPattern ? condition.operand.replaceAll('*', '%') : arrayOperand(condition, field),
      );
      const compared = quantifier === undefined ? operand : sql`${QUANTIFIERS[quantifier]} (${operand})`;
      return sql`${field.value} ${COMPARISON_SQL[operator]} ${compared}`;
    }
  }
}

/** Reactor's own clients write the elements of an array in parentheses, which no array begins with. */
function arrayOperand({ operator, operand }: { operator: Comparison; operand: string }, { type }: Expression): string {
  const isSpelled = type.endsWith('[]') && (operator === 'cs' || operator === 'cd' || operator === 'ov');
  return isSpelled && operand.startsWith('(') && operand.endsWith(')') ? `{${operand.slice(1, -1)}}` : operand;
}

/** `embedded=is.null` and `embedded=not.is.null` ask whether there are embedded rows. */
function embeddedNullTest(
  condition: Extract<Condition, { kind: 'is' }>,
  embeddedRows: EmbeddedRows,
): Fragment | undefined {
  const isNullTest = condition.value === 'null' || condition.value === 'not_null';
  return isNullTest && condition.field.path.length === 0 ? embeddedRows(condition.field.column) : undefined;
}

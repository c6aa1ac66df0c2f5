import type { Comparison, Condition, TextSearch } from '../query/ast.js';
import { QueryError } from '../query/query-error.js';
import { quoted } from '../query/scanner.js';
import { columnType } from './assumptions.js';
import type { PlanContext } from './context.js';
import { type Expression, fieldExpression } from './field.js';
import type { Scope } from './scope.js';
import { arrayLiteral } from './sql.js';

const COMPARISON_SQL: Record<Comparison, string> = {
  eq: '=',
  neq: '<>',
  gt: '>',
  gte: '>=',
  lt: '<',
  lte: '<=',
  like: 'LIKE',
  ilike: 'ILIKE',
  match: '~',
  imatch: '~*',
  isdistinct: 'IS DISTINCT FROM',
  cs: '@>',
  cd: '<@',
  ov: '&&',
  sl: '<<',
  sr: '>>',
  nxl: '&>',
  nxr: '&<',
  adj: '-|-',
};

const QUERY_FUNCTIONS: Record<TextSearch, string> = {
  fts: 'to_tsquery',
  plfts: 'plainto_tsquery',
  phfts: 'phraseto_tsquery',
  wfts: 'websearch_to_tsquery',
};

const IS_SQL = { null: 'NULL', not_null: 'NOT NULL', true: 'TRUE', false: 'FALSE', unknown: 'UNKNOWN' } as const;

/** Types that `to_tsvector` reads; anything else is taken for a `tsvector`. */
const SEARCHED_AS_TEXT = /^(?:text|json|jsonb|name|character(?: varying)?(?:\(\d+\))?)$/;

/** Whether something is embedded under a name; undefined when this level embeds nothing of that name. */
export type EmbeddedRows = (name: string) => string | undefined;

/** @throws QueryError 42703 for an unknown column, PGRST120 for an embed that is asked anything but `is.null` */
export function conditionSql(
  context: PlanContext,
  scope: Scope,
  condition: Condition,
  embeddedRows: EmbeddedRows,
): string {
  const sql = positiveSql(context, scope, condition, embeddedRows);
  return condition.negated ? `NOT (${sql})` : sql;
}

/**
 * Parameters have no type here: PostgreSQL gives each the type of what it is compared with, so `integer` and `uuid`
 * columns keep their indexes and a value of another form is its error, not a guess of ours. It does so once and for all,
 * so that the statement has to hold on to the type of the column.
 */
function positiveSql(context: PlanContext, scope: Scope, condition: Condition, embeddedRows: EmbeddedRows): string {
  if (condition.kind === 'group') {
    const parts = condition.conditions.map((part) => conditionSql(context, scope, part, embeddedRows));
    return `(${parts.join(condition.operator === 'and' ? ' AND ' : ' OR ')})`;
  }
  if (condition.kind === 'is') {
    const rows = embeddedNullTest(condition, embeddedRows);
    if (rows !== undefined) return condition.value === 'null' ? `NOT ${rows}` : rows;
  }
  const { column } = condition.field;
  if (!scope.columns.has(column) && embeddedRows(column) !== undefined) {
    throw new QueryError('invalid_query', 'PGRST120', `${quoted(column)} is embedded, and no column to compare`, {
      hint: `Accepted are is.null and not.is.null, and filters on its columns: ${column}.<column>=….`,
    });
  }
  const field = fieldExpression(context, scope, condition.field);
  if (condition.kind !== 'is' && scope.relation !== undefined) {
    context.assume(columnType(context.model, scope.relation, scope.column(column).column));
  }
  switch (condition.kind) {
    case 'is':
      return `${field.sql} IS ${IS_SQL[condition.value]}`;
    case 'in':
      return `${field.sql} = ANY (${context.parameter(arrayLiteral(condition.values))})`;
    case 'text search': {
      const language = condition.language === undefined ? '' : `${context.parameter(condition.language)}::regconfig, `;
      const document = SEARCHED_AS_TEXT.test(field.type) ? `to_tsvector(${language}${field.sql})` : field.sql;
      const query = `${QUERY_FUNCTIONS[condition.operator]}(${language}${context.parameter(condition.operand)}::text)`;
      return `${document} @@ ${query}`;
    }
    case 'comparison': {
      const { operator, quantifier } = condition;
      const isPattern = operator === 'like' || operator === 'ilike';
      const operand = context.parameter(
        isPattern ? condition.operand.replaceAll('*', '%') : arrayOperand(condition, field),
      );
      const compared = quantifier === undefined ? operand : `${quantifier === 'any' ? 'ANY' : 'ALL'} (${operand})`;
      return `${field.sql} ${COMPARISON_SQL[operator]} ${compared}`;
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
): string | undefined {
  const isNullTest = condition.value === 'null' || condition.value === 'not_null';
  return isNullTest && condition.field.path.length === 0 ? embeddedRows(condition.field.column) : undefined;
}

import type { ReadQuery } from '../query/ast.js';
import { QueryError } from '../query/query-error.js';
import { quoted } from '../query/scanner.js';
import type { Column, DatabaseFunction, FunctionArgument, Relation, SchemaModel } from '../schema/model.js';
import { functionArguments } from './assumptions.js';
import { bodySql, limitBody, planRowSql } from './body.js';
import { PlanContext } from './context.js';
import { estimateStatement, totalCountSql } from './count.js';
import { type Callee, type CallInput, findFunction } from './function.js';
import { compileLevel } from './level.js';
import { type LevelSql, levelSelect } from './level-sql.js';
import { Scope } from './scope.js';
import { arrayLiteral, type Fragment, identifier, join, member, sql, typeOf } from './sql.js';
import type { Plan, ReadOptions } from './statement.js';

/** A call and what is known of the function: only a `volatile` one needs a transaction that may write. */
export interface CallPlan extends Plan {
  readonly function: DatabaseFunction;
}

const CALLED = sql`called`;
/** The column that a scalar result becomes. */
const SCALAR = sql`value`;

/**
 * A function as a source of rows. A set is a list, one row an object, a scalar itself, and void nothing.
 * @param input arguments as text (GET, a form), the JSON object of a POST, which may be empty, or one value
 * @throws QueryError PGRST202 (404) when no overload takes these arguments, PGRST203 (300) when several do
 */
export function planCall(
  model: SchemaModel,
  name: string,
  input: CallInput,
  query: ReadQuery,
  options: ReadOptions = {},
): CallPlan {
  const callee = findFunction(model, name, input === '' ? '{}' : input);
  const { returns, returnsSet } = callee.function;
  if (returns.kind === 'void') {
    refuseShaping(name, query);
    const context = new PlanContext(model);
    const nothing = planRowSql({ body: sql`NULL::text`, rowCount: sql`count(*) FILTER (WHERE false)` });
    // Without an aggregate that must look at each row, PostgreSQL would not run the call.
    const select = sql`SELECT ${nothing} FROM ${callSql(context, callee)}`;
    return { ...context.statement(select), function: callee.function };
  }
  const isScalar = returns.kind === 'scalar';
  if (isScalar) refuseShaping(name, query);
  const context = new PlanContext(model, returnsSet ? options.maxRows : undefined);
  const scopeIn = (own: PlanContext) => calledScope(own, callee);
  const level = isScalar
    ? scalarLevel(context, scopeIn(context), query)
    : compileLevel(context, scopeIn(context), query);
  const row = context.alias();
  const output = { ...options, ...(returnsSet || options.format === 'csv' ? {} : { format: 'object' as const }) };
  const json = isScalar ? sql`to_json(${row}.${SCALAR})` : undefined;
  const columns = planRowSql({
    body: limitBody(context, bodySql(context, level, row, output, json), options.maxBytes),
    rowCount: sql`count(*)`,
    totalCount: totalCountSql(context, level, options.count),
  });
  const statement = context.statement(sql`SELECT ${columns} FROM (${levelSelect(level)}) AS ${row}`);
  const plan = { ...statement, function: callee.function };
  if (options.count !== 'planned' && options.count !== 'estimated') return plan;
  const uncut = isScalar ? { ...query, select: [] } : query;
  return { ...plan, estimate: estimateStatement(context, scopeIn, uncut, level) };
}

/** The rows of the call, which happens once however often the statement looks at them. */
function calledScope(context: PlanContext, callee: Callee): Scope {
  const { name, returns } = callee.function;
  const alias = returns.kind === 'scalar' ? sql`${CALLED}(${SCALAR})` : CALLED;
  context.with(alias, sql`SELECT result.* FROM ${callSql(context, callee)}`);
  const relation = returns.kind === 'relation' ? context.model.relations.get(returns.relation) : undefined;
  const columns = resultColumns(callee.function, relation);
  return new Scope({ alias: CALLED, from: CALLED, name, relation, columns });
}

function resultColumns({ returns }: DatabaseFunction, relation: Relation | undefined): ReadonlyMap<string, Column> {
  if (returns.kind === 'columns') return returns.columns;
  return relation?.columns ?? new Map();
}

/** FROM item `result`. Arguments go by name, so their order and the defaults stay PostgreSQL's business. */
function callSql(context: PlanContext, { function: called, given }: Callee): Fragment {
  context.assume(functionArguments(context.model, called));
  const name = member(identifier(context.model.schema), called.name);
  switch (given.kind) {
    case 'whole': {
      const [argument] = called.arguments;
      const type = argument === undefined ? sql`json` : typeOf(argument);
      return sql`${name}(${context.parameter(given.value)}::${type}) AS result`;
    }
    case 'text': {
      const list = called.arguments.filter((argument) => given.values.has(argument.name));
      const values = list.map((argument) => {
        const text = textValue(argument, given.values.get(argument.name) ?? []);
        return namedArgument(argument, sql`${context.parameter(text)}::${typeOf(argument)}`);
      });
      return sql`${name}(${join(values, ', ')}) AS result`;
    }
    case 'members': {
      const list = called.arguments.filter((argument) => given.names.has(argument.name));
      if (list.length === 0) return sql`${name}() AS result`;
      const definition = list.map((argument) => sql`${identifier(argument.name)} ${typeOf(argument)}`);
      const values = list.map((argument) => namedArgument(argument, member(sql`body`, argument.name)));
      const body = sql`json_to_record(${context.parameter(given.json)}::json) AS body(${join(definition, ', ')})`;
      return sql`${body} CROSS JOIN LATERAL ${name}(${join(values, ', ')}) AS result`;
    }
  }
}

function namedArgument({ name, variadic }: FunctionArgument, value: Fragment): Fragment {
  return sql`${variadic ? sql`VARIADIC ` : sql``}${identifier(name)} => ${value}`;
}

/** @throws QueryError PGRST100 when an argument that takes one value is repeated */
function textValue({ name, variadic }: FunctionArgument, values: readonly string[]): string {
  if (variadic) return arrayLiteral(values);
  if (values.length > 1) {
    throw new QueryError('invalid_query', 'PGRST100', `the argument ${quoted(name)} is given ${values.length} times`);
  }
  return values[0] ?? '';
}

/** A scalar has no columns to select, filter or sort by. */
function refuseShaping(name: string, { select, where, order }: ReadQuery): void {
  const all = select.every(({ kind }) => kind === 'all');
  if (all && where.length === 0 && order.length === 0) return;
  throw new QueryError('invalid_query', 'PGRST100', `the result of ${quoted(name)} has no columns`, {
    hint: 'Only limit and offset are accepted, for a set.',
  });
}

function scalarLevel(context: PlanContext, scope: Scope, query: ReadQuery): LevelSql {
  const limit = context.rowLimit(query.limit);
  return {
    outputs: [{ key: scope.name, known: true, value: sql`${CALLED}.${SCALAR}` }],
    columns: [SCALAR],
    namedByKey: false,
    from: scope.from,
    bareFrom: scope.from,
    where: [],
    orderBy: [],
    limit: limit === undefined ? undefined : context.parameter(limit),
    offset: query.offset === undefined ? undefined : context.parameter(query.offset),
  };
}

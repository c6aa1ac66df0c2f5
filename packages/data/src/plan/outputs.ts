import type { Aggregate, ColumnItem, EmbedItem, ReadQuery, SelectItem } from '../query/ast.js';
import { castType } from './cast.js';
import type { PlanContext } from './context.js';
import type { Embeds } from './embed.js';
import { fieldExpression } from './field.js';
import { ALL_ROWS, type Output } from './output.js';
import type { Scope } from './scope.js';
import { type Fragment, sql } from './sql.js';

const AGGREGATES: Record<Aggregate['function'], Fragment> = {
  count: sql`count`,
  sum: sql`sum`,
  avg: sql`avg`,
  min: sql`min`,
  max: sql`max`,
};

/** What a level selects, in order. @param joins what its values need beside the level's FROM item is added here */
export function selectOutputs(
  context: PlanContext,
  scope: Scope,
  query: ReadQuery,
  embeds: Embeds,
  joins: Fragment[],
): Output[] {
  return query.select.flatMap((item) => itemOutputs(context, scope, item, embeds, joins));
}

function itemOutputs(
  context: PlanContext,
  scope: Scope,
  item: SelectItem,
  embeds: Embeds,
  joins: Fragment[],
): readonly Output[] {
  switch (item.kind) {
    case 'all':
      return [...scope.columns.keys()].map((key) => ({
        key,
        known: true,
        value: scope.column(key).value,
        column: key,
      }));
    case 'column':
      return [isBareCount(scope, item) ? countOutput(context, item) : columnOutput(context, scope, item)];
    case 'count':
      return [countOutput(context, item)];
    case 'embed':
      return embedOutputs(item, embeds, joins);
  }
}

/** `count` counts rows as `count()` does, in PostgREST's older spelling, unless there is a column of that name. */
function isBareCount(scope: Scope, { field, aggregate }: ColumnItem): boolean {
  return field.column === 'count' && field.path.length === 0 && aggregate === undefined && !scope.columns.has('count');
}

function countOutput(context: PlanContext, { alias, cast }: Pick<ColumnItem, 'alias' | 'cast'>): Output {
  const suffix = castSuffix(context, cast);
  return { ...keyOf(alias, 'count'), value: ALL_ROWS, aggregate: () => sql`count(*)${suffix}` };
}

function columnOutput(context: PlanContext, scope: Scope, item: ColumnItem): Output {
  const field = fieldExpression(context, scope, item.field).value;
  const value = item.cast === undefined ? field : sql`CAST(${field} AS ${castType(context.model, item.cast)})`;
  if (item.aggregate !== undefined) {
    const { aggregate } = item;
    return { ...keyOf(item.alias, aggregate.function), value, aggregate: aggregation(context, aggregate) };
  }
  const key = item.field.path.findLast((step) => typeof step.key === 'string')?.key;
  if (item.alias === undefined && typeof key === 'string') return { key, known: false, value };
  const isPlain = item.field.path.length === 0 && item.cast === undefined;
  return { ...keyOf(item.alias, item.field.column), value, ...(isPlain ? { column: item.field.column } : {}) };
}

function aggregation(context: PlanContext, aggregate: Aggregate): (value: Fragment) => Fragment {
  const cast = castSuffix(context, aggregate.cast);
  const called = AGGREGATES[aggregate.function];
  return (value) => sql`${called}(${value})${cast}`;
}

function castSuffix(context: PlanContext, cast: string | undefined): Fragment {
  return cast === undefined ? sql`` : sql`::${castType(context.model, cast)}`;
}

function embedOutputs(item: EmbedItem, embeds: Embeds, joins: Fragment[]): Output[] {
  if (item.query.select.length === 0) return [];
  if (item.spread) return embeds.spread(item, joins);
  return [{ ...keyOf(item.alias, item.target), value: embeds.json(item, joins), isJson: true }];
}

function keyOf(alias: string | undefined, name: string): Pick<Output, 'key' | 'known'> {
  return alias === undefined ? { key: name, known: true } : { key: alias, known: false };
}

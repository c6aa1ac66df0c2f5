import type { Condition, Field, OrderTerm, ReadQuery, SelectItem } from '../../src/query/index.js';

/** Writes a query the way a careful client does: every name and every operand in a group between quotes. */
export function queryParameters(query: ReadQuery): [name: string, value: string][] {
  return [['select', selectText(query.select)], ...levelParameters(query, '')];
}

function levelParameters(query: ReadQuery, prefix: string): [string, string][] {
  const parameters: [string, string][] = query.where.map((condition) =>
    condition.kind === 'group'
      ? [`${prefix}${condition.negated ? 'not.' : ''}${condition.operator}`, membersText(condition.conditions)]
      : [`${prefix}${fieldText(condition.field)}`, filterText(condition, (operand) => operand)],
  );
  if (query.order.length > 0) parameters.push([`${prefix}order`, query.order.map(orderText).join(',')]);
  if (query.limit !== undefined) parameters.push([`${prefix}limit`, String(query.limit)]);
  if (query.offset !== undefined) parameters.push([`${prefix}offset`, String(query.offset)]);
  for (const item of query.select) {
    if (item.kind !== 'embed') continue;
    parameters.push(...levelParameters(item.query, `${prefix}${quote(item.alias ?? item.target)}.`));
  }
  return parameters;
}

function quote(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

function fieldText({ column, path }: Field): string {
  const steps = path.map(
    ({ as, key }) => `${as === 'text' ? '->>' : '->'}${typeof key === 'number' ? key : quote(key)}`,
  );
  return `${quote(column)}${steps.join('')}`;
}

function selectText(items: readonly SelectItem[]): string {
  return items.map(itemText).join(',');
}

function itemText(item: SelectItem): string {
  if (item.kind === 'all') return '*';
  const alias = item.alias === undefined ? '' : `${quote(item.alias)}:`;
  if (item.kind === 'embed') {
    const hint = item.hint === undefined ? '' : `!${quote(item.hint)}`;
    const target = `${quote(item.target)}${hint}!${item.join}(${selectText(item.query.select)})`;
    return `${item.spread ? '...' : ''}${alias}${target}`;
  }
  const cast = castText(item.cast);
  if (item.kind === 'count') return `${alias}count()${cast}`;
  const aggregate = item.aggregate === undefined ? '' : `.${item.aggregate.function}()${castText(item.aggregate.cast)}`;
  return `${alias}${fieldText(item.field)}${cast}${aggregate}`;
}

function castText(cast: string | undefined): string {
  return cast === undefined ? '' : `::${cast}`;
}

function orderText({ relation, field, direction, nulls }: OrderTerm): string {
  const target = relation === undefined ? fieldText(field) : `${quote(relation)}(${fieldText(field)})`;
  return `${target}.${direction}${nulls === undefined ? '' : `.nulls${nulls}`}`;
}

function membersText(conditions: readonly Condition[]): string {
  const members = conditions.map((condition) =>
    condition.kind === 'group'
      ? `${condition.negated ? 'not.' : ''}${condition.operator}${membersText(condition.conditions)}`
      : `${fieldText(condition.field)}.${filterText(condition, quote)}`,
  );
  return `(${members.join(',')})`;
}

function filterText(condition: Exclude<Condition, { kind: 'group' }>, operand: (text: string) => string): string {
  const not = condition.negated ? 'not.' : '';
  switch (condition.kind) {
    case 'in':
      return `${not}in.(${condition.values.map(quote).join(',')})`;
    case 'is':
      return `${not}is.${condition.value}`;
    case 'text search': {
      const language = condition.language === undefined ? '' : `(${condition.language})`;
      return `${not}${condition.operator}${language}.${operand(condition.operand)}`;
    }
    case 'comparison': {
      const quantifier = condition.quantifier === undefined ? '' : `(${condition.quantifier})`;
      return `${not}${condition.operator}${quantifier}.${operand(condition.operand)}`;
    }
  }
}

import fc from 'fast-check';
import {
  AGGREGATES,
  type Aggregate,
  COMPARISONS,
  type Comparison,
  type Condition,
  type Field,
  IS_VALUES,
  type IsValue,
  type OrderTerm,
  QUANTIFIABLE,
  type ReadQuery,
  type SelectItem,
  TEXT_SEARCHES,
} from '../../src/query/ast.js';

/** Words of a query, and what it may embed. */
export interface Vocabulary {
  readonly field: fc.Arbitrary<Field>;
  /** Anything a caller makes up: operands, aliases, JSON keys. */
  readonly text: fc.Arbitrary<string>;
  readonly cast: fc.Arbitrary<string>;
  readonly language: fc.Arbitrary<string>;
  readonly comparisons: readonly Comparison[];
  readonly isValues: readonly IsValue[];
  readonly aggregates: readonly Aggregate['function'][];
  readonly embeds: readonly {
    readonly target: string;
    readonly hint?: string;
    readonly toOne?: boolean;
    readonly inside: () => Vocabulary;
  }[];
}

/** Every operator there is. */
export const ALL_OPERATORS = { comparisons: COMPARISONS, isValues: IS_VALUES, aggregates: AGGREGATES };

/** Columns, sometimes with a way into their JSON. */
export function arbitraryField(column: fc.Arbitrary<string>, text: fc.Arbitrary<string>): fc.Arbitrary<Field> {
  const key = fc.oneof(text, fc.integer({ min: -3, max: 3 }));
  const step = fc.record({ as: fc.constantFrom('json' as const, 'text' as const), key });
  const path = fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(step, { maxLength: 2 }) },
  );
  return fc.record({ column, path });
}

/** Queries of at most `depth` levels of embeds. */
export function arbitraryQuery(words: Vocabulary, depth: number): fc.Arbitrary<ReadQuery> {
  return fc
    .record({
      columns: fc.array(itemOf(words), { maxLength: 4 }),
      embeds:
        depth === 0
          ? fc.constant<Vocabulary['embeds'][number][]>([])
          : fc.subarray([...words.embeds], { maxLength: Math.min(2, words.embeds.length) }),
      where: fc.array(conditionOf(words, 2), { maxLength: 3 }),
      paging: fc.record({ limit: fc.nat(5), offset: fc.nat(2) }, { requiredKeys: [] }),
    })
    .chain(({ columns, embeds, where, paging }) =>
      fc.tuple(...embeds.map((embed) => embedOf(words, embed, depth))).chain((embedded) => {
        const toOne = embeds.flatMap((embed, index) => {
          const item = embedded[index];
          return embed.toOne && item?.kind === 'embed' ? [{ item, inside: embed.inside() }] : [];
        });
        const nullTests = embedded.flatMap((item): Condition[] =>
          item.kind === 'embed' ? [isNull(item.alias ?? item.target)] : [],
        );
        return fc
          .record({ order: fc.array(orderOf(words, toOne), { maxLength: 2 }), tests: fc.subarray(nullTests) })
          .map(({ order, tests }) => ({
            select: [...columns, ...embedded],
            where: [...where, ...tests],
            order,
            ...paging,
          }));
      }),
    );
}

function isNull(column: string): Condition {
  return { kind: 'is', field: { column, path: [] }, negated: true, value: 'null' };
}

function itemOf(words: Vocabulary): fc.Arbitrary<SelectItem> {
  const optional = { alias: words.text, cast: words.cast };
  const aggregate = fc.record(
    { function: fc.constantFrom(...words.aggregates), cast: words.cast },
    { requiredKeys: ['function'] },
  );
  return fc.oneof(
    fc.constant<SelectItem>({ kind: 'all' }),
    fc.record({ kind: fc.constant('count' as const), ...optional }, { requiredKeys: ['kind'] }),
    fc.record(
      { kind: fc.constant('column' as const), field: words.field, aggregate, ...optional },
      { requiredKeys: ['kind', 'field'] },
    ),
  );
}

function embedOf(
  words: Vocabulary,
  { target, hint, inside }: Vocabulary['embeds'][number],
  depth: number,
): fc.Arbitrary<SelectItem> {
  return fc
    .record({
      join: fc.constantFrom('left' as const, 'inner' as const),
      spread: fc.boolean(),
      alias: fc.option(words.text, { nil: undefined }),
      query: arbitraryQuery(inside(), depth - 1),
    })
    .map(({ join, spread, alias, query }) => ({
      kind: 'embed' as const,
      target,
      ...(hint === undefined ? {} : { hint }),
      join,
      spread,
      // A spread has no alias. Two resources may not share a name, so each alias begins with its target.
      ...(alias === undefined || spread ? {} : { alias: `${target} ${alias}` }),
      query,
    }));
}

function conditionOf(words: Vocabulary, depth: number): fc.Arbitrary<Condition> {
  const base = { field: words.field, negated: fc.boolean() };
  const comparison = fc
    .record({
      kind: fc.constant('comparison' as const),
      operator: fc.constantFrom(...words.comparisons),
      operand: words.text,
      quantifier: fc.option(fc.constantFrom('any' as const, 'all' as const), { nil: undefined }),
      ...base,
    })
    .map(({ quantifier, ...rest }) =>
      quantifier === undefined || !QUANTIFIABLE.has(rest.operator) ? rest : { ...rest, quantifier },
    );
  const search = fc.record(
    {
      kind: fc.constant('text search' as const),
      operator: fc.constantFrom(...TEXT_SEARCHES),
      operand: words.text,
      language: words.language,
      ...base,
    },
    { requiredKeys: ['kind', 'operator', 'operand', 'field', 'negated'] },
  );
  const simple: fc.Arbitrary<Condition>[] = [
    comparison,
    search,
    fc.record({ kind: fc.constant('in' as const), values: fc.array(words.text, { maxLength: 3 }), ...base }),
    fc.record({ kind: fc.constant('is' as const), value: fc.constantFrom(...words.isValues), ...base }),
  ];
  if (depth === 0) return fc.oneof(...simple);
  const group = fc.record({
    kind: fc.constant('group' as const),
    operator: fc.constantFrom('and' as const, 'or' as const),
    negated: fc.boolean(),
    conditions: fc.array(conditionOf(words, depth - 1), { minLength: 1, maxLength: 3 }),
  });
  return fc.oneof(...simple, group);
}

function orderOf(
  words: Vocabulary,
  toOne: readonly { readonly item: Extract<SelectItem, { kind: 'embed' }>; readonly inside: Vocabulary }[],
): fc.Arbitrary<OrderTerm> {
  const rest = {
    direction: fc.constantFrom('asc' as const, 'desc' as const),
    nulls: fc.constantFrom('first' as const, 'last' as const),
  };
  const own = fc.record({ field: words.field, ...rest }, { requiredKeys: ['field', 'direction'] });
  const related = toOne.map(({ item, inside }) =>
    fc.record(
      { relation: fc.constant(item.alias ?? item.target), field: inside.field, ...rest },
      { requiredKeys: ['relation', 'field', 'direction'] },
    ),
  );
  return fc.oneof(own, ...related);
}

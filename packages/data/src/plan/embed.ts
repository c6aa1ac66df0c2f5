import type { EmbedItem, Field, ReadQuery } from '../query/ast.js';
import { QueryError } from '../query/query-error.js';
import { quoted } from '../query/scanner.js';
import type { PlanContext } from './context.js';
import { fieldExpression } from './field.js';
import { type EmbedTests, filters } from './filters.js';
import { type CompileLevel, type LevelSql, levelSelect } from './level-sql.js';
import { ALL_ROWS, type Output } from './output.js';
import { findRelation } from './relation.js';
import { findRelationship, isToOne, type Relationship } from './relationship.js';
import { rowJson } from './row-json.js';
import { Scope } from './scope.js';
import { clause, type Fragment, identifier, join, member, sql } from './sql.js';

interface Embed {
  readonly item: EmbedItem;
  readonly relationship: Relationship;
}

/**
 * Relates the embeds of a level.
 * @param compile makes the level of an embed, which may embed in turn
 * @throws QueryError PGRST200, PGRST201, 42501 for the first that is not possible
 */
export function resolveEmbeds(context: PlanContext, scope: Scope, query: ReadQuery, compile: CompileLevel): Embeds {
  const embeds = new Map<string, Embed>();
  for (const item of query.select) {
    if (item.kind !== 'embed') continue;
    if (scope.relation === undefined) {
      throw new QueryError('relationship_not_found', 'PGRST200', `${quoted(scope.name)} has no relationships`);
    }
    const relationship = findRelationship(context.model, scope.relation.name, item);
    embeds.set(item.alias ?? item.target, { item, relationship });
  }
  return new Embeds(context, scope, embeds, compile);
}

/** The embedded resources of one level, as SQL that refers to its row. */
export class Embeds implements EmbedTests {
  readonly #context: PlanContext;
  readonly #outer: Scope;
  readonly #byName: ReadonlyMap<string, Embed>;
  readonly #compile: CompileLevel;
  /** What was spread into this level, by the name of the embed. */
  readonly #spread = new Map<string, readonly Output[]>();

  constructor(context: PlanContext, outer: Scope, byName: ReadonlyMap<string, Embed>, compile: CompileLevel) {
    this.#context = context;
    this.#outer = outer;
    this.#byName = byName;
    this.#compile = compile;
  }

  innerTests(): Fragment[] {
    return [...this.#byName.values()].filter(({ item }) => item.join === 'inner').map((embed) => this.#exists(embed));
  }

  rowsTest(name: string): Fragment | undefined {
    const embed = this.#byName.get(name);
    return embed === undefined ? undefined : this.#exists(embed);
  }

  /**
   * The embedded object or list, as JSON. A list is a subquery in the SELECT itself, where PostgreSQL computes it only
   * for the rows that LIMIT leaves; an object is a join, which it can turn into any kind of join.
   */
  json(item: EmbedItem, joins: Fragment[]): Fragment {
    const { relationship } = this.#embed(item.alias ?? item.target);
    const level = this.#level(item, relationship);
    const row = this.#context.alias();
    const json = rowJson(this.#context, level, row);
    if (!isToOne(relationship))
      return sql`(SELECT coalesce(json_agg(${json}), '[]') FROM (${levelSelect(level)}) AS ${row})`;
    const alias = this.#context.alias();
    joins.push(
      sql`LEFT JOIN LATERAL (SELECT ${json} AS json FROM (${levelSelect(level)}) AS ${row}) AS ${alias} ON true`,
    );
    return sql`${alias}.json`;
  }

  /** The embedded columns as columns of this level; of a list, an array each. */
  spread(item: EmbedItem, joins: Fragment[]): Output[] {
    const { relationship } = this.#embed(item.target);
    const level = this.#level(item, relationship);
    const alias = this.#context.alias();
    const values = level.columns.map((name) => sql`${alias}.${name}`);
    if (isToOne(relationship)) {
      // Aggregates belong to the level whose rows they sum up, which is this one.
      const select = levelSelect({ ...level, outputs: level.outputs.map(ungrouped) });
      joins.push(sql`LEFT JOIN LATERAL (${select}) AS ${alias} ON true`);
      const outputs = level.outputs.map((output, index) => ({ ...output, value: values[index] as Fragment }));
      this.#spread.set(item.target, outputs);
      return outputs.map(({ column: _, ...output }) => output);
    }
    const row = this.#context.alias();
    const lists = level.columns.map((name) => sql`coalesce(json_agg(${row}.${name}), '[]') AS ${name}`);
    joins.push(
      sql`LEFT JOIN LATERAL (SELECT ${join(lists, ', ')} FROM (${levelSelect(level)}) AS ${row}) AS ${alias} ON true`,
    );
    return level.outputs.map(({ key, known }, index) => ({
      key,
      known,
      value: values[index] as Fragment,
      isJson: true,
    }));
  }

  /** A field of a to-one embed, to sort this level by. @throws QueryError PGRST108, PGRST118 */
  orderField(name: string, field: Field, joins: Fragment[]): Fragment {
    const { item, relationship } = this.#embed(name);
    if (!isToOne(relationship)) {
      throw new QueryError('invalid_query', 'PGRST118', `cannot order by ${quoted(name)}, which is a list`, {
        hint: 'A related order needs a many-to-one or one-to-one relationship.',
      });
    }
    // A level that groups can only be sorted by what it selects.
    const spread = this.#spread.get(name)?.find(({ column, aggregate }) => {
      return field.path.length === 0 && column === field.column && aggregate === undefined;
    });
    if (spread !== undefined) return spread.value;
    const inner = this.#scope(relationship);
    const { value } = fieldExpression(this.#context, inner.scope, field);
    const where = [...inner.joined, ...this.#filters(inner.scope, item.query)];
    const alias = this.#context.alias();
    const select = sql`SELECT ${value} AS key FROM ${inner.scope.from}${clause('WHERE', where, ' AND ')}`;
    joins.push(sql`LEFT JOIN LATERAL (${select}) AS ${alias} ON true`);
    return sql`${alias}.key`;
  }

  #embed(name: string): Embed {
    const embed = this.#byName.get(name);
    if (embed !== undefined) return embed;
    throw new QueryError('invalid_query', 'PGRST108', `${quoted(name)} is not an embedded resource in this request`, {
      hint: 'Embed it in the select parameter.',
    });
  }

  #level(item: EmbedItem, relationship: Relationship): LevelSql {
    const { scope, joined } = this.#scope(relationship);
    return this.#compile(this.#context, scope, item.query, { joined, single: isToOne(relationship) });
  }

  #exists({ item, relationship }: Embed): Fragment {
    const { scope, joined } = this.#scope(relationship);
    const where = [...joined, ...this.#filters(scope, item.query)];
    return sql`EXISTS (SELECT 1 FROM ${scope.from}${clause('WHERE', where, ' AND ')})`;
  }

  #filters(scope: Scope, query: ReadQuery): Fragment[] {
    return filters(this.#context, scope, query, resolveEmbeds(this.#context, scope, query, this.#compile));
  }

  /** The target as a FROM item of its own, and the conditions that tie it to this level's row. */
  #scope({ target, pairs, junction }: Relationship): { readonly scope: Scope; readonly joined: readonly Fragment[] } {
    const context = this.#context;
    const relation = findRelation(context.model, target);
    const alias = context.alias();
    let from = tableSql(context, target, alias);
    let joinedTo = alias;
    if (junction !== undefined) {
      findRelation(context.model, junction.relation);
      joinedTo = context.alias();
      const on = junction.pairs.map(([own, other]) => equal(joinedTo, own, alias, other));
      from = sql`${from} JOIN ${tableSql(context, junction.relation, joinedTo)} ON ${join(on, ' AND ')}`;
    }
    return {
      scope: new Scope({ alias, from, name: target, relation, columns: relation.columns }),
      joined: pairs.map(([own, other]) => sql`${member(joinedTo, other)} = ${this.#outer.column(own).value}`),
    };
  }
}

/** A relation as a FROM item. */
export function tableSql(context: PlanContext, relation: string, alias: Fragment): Fragment {
  return sql`${member(identifier(context.model.schema), relation)} AS ${alias}`;
}

function equal(left: Fragment, leftColumn: string, right: Fragment, rightColumn: string): Fragment {
  return sql`${member(left, leftColumn)} = ${member(right, rightColumn)}`;
}

/** What an output is before aggregation. `count()` has no value of its own then. */
function ungrouped({ aggregate: _, ...output }: Output): Output {
  return output.value === ALL_ROWS ? { ...output, value: sql`NULL` } : output;
}

import type { ReadQuery } from '../query/ast.js';
import { conditionSql } from './condition.js';
import type { PlanContext } from './context.js';
import type { Scope } from './scope.js';
import type { Fragment } from './sql.js';

/** What conditions may ask of the embeds of a level. */
export interface EmbedTests {
  /** Tests for the `inner` ones: a row that embeds nothing does not count. */
  innerTests(): Fragment[];
  /** Test for rows under a name, undefined when nothing is embedded by it. */
  rowsTest(name: string): Fragment | undefined;
}

/** The level's own filters, and that something is embedded where `inner` asks for it. */
export function filters(context: PlanContext, scope: Scope, query: ReadQuery, embeds: EmbedTests): Fragment[] {
  return [
    ...embeds.innerTests(),
    ...query.where.map((condition) => conditionSql(context, scope, condition, (name) => embeds.rowsTest(name))),
  ];
}

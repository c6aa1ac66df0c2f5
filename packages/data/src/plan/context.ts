import type { SchemaModel } from '../schema/model.js';
import { type Fragment, integer, join, parameter, sql } from './sql.js';
import type { Statement } from './statement.js';

/** What one statement collects while it is put together. */
export class PlanContext {
  readonly model: SchemaModel;
  /** Most rows of each list. */
  readonly maxRows: number | undefined;
  readonly #values: (string | null)[] = [];
  readonly #queries: Fragment[] = [];
  /** By their text. */
  readonly #assumptions = new Map<string, Fragment>();
  #aliases = 0;

  constructor(model: SchemaModel, maxRows?: number) {
    this.model = model;
    this.maxRows = maxRows;
  }

  /** @returns the placeholder that stands for `value` */
  parameter(value: string | number | null): Fragment {
    this.#values.push(value === null ? null : String(value));
    return parameter(this.#values.length);
  }

  /** A name that no other FROM item of the statement has. */
  alias(): Fragment {
    this.#aliases += 1;
    return sql`t${integer(this.#aliases)}`;
  }

  /** Adds a WITH query. */
  with(name: Fragment, query: Fragment): void {
    this.#queries.push(sql`${name} AS (${query})`);
  }

  /** Adds what the statement takes for granted: see `assumptions.ts`. */
  assume(expression: Fragment | undefined): void {
    if (expression !== undefined) this.#assumptions.set(String(expression), expression);
  }

  /** @param select the main query */
  statement(select: Fragment, kind: 'plain' | 'explained' = 'plain'): Statement {
    const { generation, quiet } = this.model;
    const assumed = join([...this.#assumptions.values()], ', ');
    const queries =
      this.#assumptions.size === 0 ? this.#queries : [sql`assumed AS (SELECT ${assumed})`, ...this.#queries];
    const whole = queries.length === 0 ? select : sql`WITH ${join(queries, ', ')} ${select}`;
    return {
      text: String(kind === 'plain' ? whole : sql`EXPLAIN (FORMAT JSON) ${whole}`),
      values: this.#values,
      ...(generation === undefined ? {} : { generation }),
      ...(quiet === undefined ? {} : { quiet }),
    };
  }

  /** The smaller of what was asked for and what is allowed; undefined for no limit. */
  rowLimit(asked: number | undefined): number | undefined {
    if (this.maxRows === undefined) return asked;
    return asked === undefined ? this.maxRows : Math.min(asked, this.maxRows);
  }
}

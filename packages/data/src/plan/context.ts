import type { SchemaModel } from '../schema/model.js';
import { clause } from './sql.js';
import type { Statement } from './statement.js';

/** What one statement collects while it is put together. */
export class PlanContext {
  readonly model: SchemaModel;
  /** Most rows of each list. */
  readonly maxRows: number | undefined;
  readonly #values: (string | null)[] = [];
  readonly #queries: string[] = [];
  readonly #assumptions = new Set<string>();
  #aliases = 0;

  constructor(model: SchemaModel, maxRows?: number) {
    this.model = model;
    this.maxRows = maxRows;
  }

  /** @returns the placeholder that stands for `value` */
  parameter(value: string | number | null): string {
    this.#values.push(value === null ? null : String(value));
    return `$${this.#values.length}`;
  }

  /** A name that no other FROM item of the statement has. */
  alias(): string {
    this.#aliases += 1;
    return `t${this.#aliases}`;
  }

  /** Adds a WITH query. */
  with(name: string, query: string): void {
    this.#queries.push(`${name} AS (${query})`);
  }

  /** Adds what the statement takes for granted: see `assumptions.ts`. */
  assume(expression: string | undefined): void {
    if (expression !== undefined) this.#assumptions.add(expression);
  }

  /** @param select the main query; @param prefix EXPLAIN */
  statement(select: string, prefix = ''): Statement {
    const { generation, quiet } = this.model;
    const assumed = [...this.#assumptions];
    const queries = [...(assumed.length === 0 ? [] : [`assumed AS (SELECT ${assumed.join(', ')})`]), ...this.#queries];
    return {
      text: `${prefix}${clause('WITH', queries, ', ').trimStart()} ${select}`.trim(),
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

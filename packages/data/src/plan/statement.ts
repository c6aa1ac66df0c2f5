/** SQL of one statement and its parameters `$1…$n`, all as PostgreSQL's text format. */
export interface Statement {
  readonly text: string;
  readonly values: readonly (string | null)[];
  /** Of the model that it is made from. */
  readonly generation?: number;
  /** As of the model: settings are all that may need a reset after a read. */
  readonly quiet?: boolean;
}

/** What a request becomes. Its statement answers exactly one row, a `PlanRow`. */
export interface Plan extends Statement {
  /**
   * For `count=planned` and `estimated`: an EXPLAIN (FORMAT JSON) whose `[0].Plan["Plan Rows"]` is the planner's guess.
   * With `estimated` it is only needed when `total_count` is null.
   */
  readonly estimate?: Statement;
}

/** As node-postgres reads it: a bigint is a string. */
export interface PlanRow {
  /** JSON text (an array, one object, a scalar) or CSV; null when the plan has nothing to say, like a void function. */
  readonly body: string | null;
  /** Rows in `body`. */
  readonly row_count: string;
  /** Rows without limit and offset; null when no exact count was asked for, or `estimated` found too many to count. */
  readonly total_count: string | null;
  /** Rows written; null for a read. */
  readonly affected_count: string | null;
}

export interface OutputOptions {
  /** Default `array`. `object` is the bare first row, null without rows: whether it is the only one, `row_count` says. */
  readonly format?: 'array' | 'object' | 'csv';
  /** Leaves out members that are null. JSON only. */
  readonly stripNulls?: boolean;
  readonly count?: 'exact' | 'planned' | 'estimated';
  /** Longest body, below 2³¹; a longer one is an error of SQLSTATE RX001. */
  readonly maxBytes?: number;
}

export interface ReadOptions extends OutputOptions {
  /** Most rows of the root and of each embedded list; also where `estimated` stops counting. */
  readonly maxRows?: number;
}

export interface WriteOptions extends OutputOptions {
  /** Whether the rows written come back; otherwise `body` is null and the caller needs no right to read them. */
  readonly returning: boolean;
  /** Most rows of each embedded list. What was written comes back whole. */
  readonly maxRows?: number;
}

export interface InsertOptions extends WriteOptions {
  /** For rows that are there already: `merge` updates them, `ignore` keeps them. Without it they are a 23505. */
  readonly conflict?: 'merge' | 'ignore';
  /** What a column that a row leaves out gets, when other rows have it. Default `null`. */
  readonly missing?: 'null' | 'default';
}

export interface ChangeOptions extends WriteOptions {
  /** Whether a request without any filter may change every row. Default false. */
  readonly allowUnfiltered?: boolean;
}

/** One level of a read: the root relation, or an embedded one. */
export interface ReadQuery {
  /** Empty for an embed of `rel()`, which only filters; `select` absent or empty is one `all`. */
  readonly select: readonly SelectItem[];
  /** All of them must hold. */
  readonly where: readonly Condition[];
  readonly order: readonly OrderTerm[];
  /** Rows, from 0. */
  readonly limit?: number;
  /** Rows to skip, from 0. */
  readonly offset?: number;
}

export type SelectItem =
  | { readonly kind: 'all' }
  | ColumnItem
  /** `count()`: how many rows the group has. */
  | { readonly kind: 'count'; readonly alias?: string; readonly cast?: string }
  | EmbedItem;

export interface ColumnItem {
  readonly kind: 'column';
  readonly field: Field;
  /** Type name as the request spells it. */
  readonly cast?: string;
  readonly aggregate?: Aggregate;
  readonly alias?: string;
}

export const AGGREGATES = ['count', 'sum', 'avg', 'min', 'max'] as const;

/** `field.sum()::cast`. */
export interface Aggregate {
  readonly function: (typeof AGGREGATES)[number];
  readonly cast?: string;
}

export interface EmbedItem {
  readonly kind: 'embed';
  /** A relation, a foreign key constraint or a foreign key column. */
  readonly target: string;
  /** A constraint, a column or a junction that tells several relationships apart. */
  readonly hint?: string;
  /** `inner` drops the rows that embed nothing. */
  readonly join: 'left' | 'inner';
  /** Puts the embedded columns into the row around it. */
  readonly spread: boolean;
  readonly alias?: string;
  readonly query: ReadQuery;
}

/** A column, and the way into its JSON. */
export interface Field {
  readonly column: string;
  readonly path: readonly JsonStep[];
}

/** `->` keeps JSON, `->>` gives text; a number is an array index, from the end when negative. */
export interface JsonStep {
  readonly as: 'json' | 'text';
  readonly key: string | number;
}

/** Operators that compare a field with one operand. */
export const COMPARISONS = [
  'eq',
  'neq',
  'gt',
  'gte',
  'lt',
  'lte',
  'like',
  'ilike',
  'match',
  'imatch',
  'isdistinct',
  'cs',
  'cd',
  'ov',
  'sl',
  'sr',
  'nxl',
  'nxr',
  'adj',
] as const;
export type Comparison = (typeof COMPARISONS)[number];

/** Comparisons that take `(any)` or `(all)` and then an array literal. */
export const QUANTIFIABLE: ReadonlySet<string> = new Set<Comparison>([
  'eq',
  'gt',
  'gte',
  'lt',
  'lte',
  'like',
  'ilike',
  'match',
  'imatch',
]);

/** Ways to read a text search query: `to_tsquery`, `plainto_`, `phraseto_`, `websearch_to_`. */
export const TEXT_SEARCHES = ['fts', 'plfts', 'phfts', 'wfts'] as const;
export type TextSearch = (typeof TEXT_SEARCHES)[number];

export const IS_VALUES = ['null', 'not_null', 'true', 'false', 'unknown'] as const;
export type IsValue = (typeof IS_VALUES)[number];

export type Condition =
  | {
      readonly kind: 'group';
      readonly operator: 'and' | 'or';
      readonly negated: boolean;
      /** At least one. */
      readonly conditions: readonly Condition[];
    }
  | {
      readonly kind: 'comparison';
      readonly field: Field;
      readonly negated: boolean;
      readonly operator: Comparison;
      readonly quantifier?: 'any' | 'all';
      /** As PostgreSQL's input syntax of the type; `*` stands for `%` in `like` and `ilike`. */
      readonly operand: string;
    }
  | { readonly kind: 'in'; readonly field: Field; readonly negated: boolean; readonly values: readonly string[] }
  | { readonly kind: 'is'; readonly field: Field; readonly negated: boolean; readonly value: IsValue }
  | {
      readonly kind: 'text search';
      readonly field: Field;
      readonly negated: boolean;
      readonly operator: TextSearch;
      /** A text search configuration, `english`; the database's default without it. */
      readonly language?: string;
      readonly operand: string;
    };

export interface OrderTerm {
  /** A to-one embed of the same level, by alias or name, whose field sorts. */
  readonly relation?: string;
  readonly field: Field;
  readonly direction: 'asc' | 'desc';
  /** PostgreSQL's default without it: last when ascending. */
  readonly nulls?: 'first' | 'last';
}

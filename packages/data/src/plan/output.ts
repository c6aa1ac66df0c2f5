import { type Fragment, sql } from './sql.js';

/** One member of the resulting objects. */
export interface Output {
  readonly key: string;
  /** Whether `key` is a name of the model or of ours, and not the request's own word. */
  readonly known: boolean;
  /** SQL of a row's value, before aggregation. */
  readonly value: Fragment;
  readonly aggregate?: (value: Fragment) => Fragment;
  /** Of type json, made here. */
  readonly isJson?: boolean;
  /** The column of this level that it is, as it stands. */
  readonly column?: string;
}

/** The value of `count()`, which has none. */
export const ALL_ROWS = sql`*`;

/** Where a column of a view comes from. */
export interface ColumnOrigin {
  /** Position in the view, from 1. */
  readonly number: number;
  /** Oid of the relation. */
  readonly relation: number;
  /** Position in that relation, from 1. */
  readonly column: number;
}

/** A brace, or a word in which a backslash protects the next character. Parentheses only group. */
const TOKEN = /[{}]|(?:\\[\s\S]|[^\s{}()\\])+/g;

/**
 * Reads from the stored rule of a view, as `pg_rewrite.ev_action` prints it, which of its columns are plain columns of
 * another relation. PostgreSQL notes it at each entry of the outermost target list, and shows it nowhere else.
 *
 * The text is a tree of `{NODE :field value …}`: the query at depth 1, the entries of its target list at depth 2.
 */
export function readColumnOrigins(rule: string): readonly ColumnOrigin[] {
  const origins: ColumnOrigin[] = [];
  let depth = 0;
  let inTargetList = false;
  let entry = new Map<string, string>();
  let field: string | undefined;
  for (const [token] of rule.matchAll(TOKEN)) {
    if (token === '{') {
      depth += 1;
      if (depth === 2) entry = new Map();
      field = undefined;
    } else if (token === '}') {
      if (depth === 2 && inTargetList) origins.push(...originOf(entry));
      depth -= 1;
    } else if (depth === 1 && token.startsWith(':')) {
      inTargetList = token === ':targetList';
    } else if (depth === 2 && field !== undefined) {
      // Whatever it looks like: a column may be called `:resno`.
      entry.set(field, token);
      field = undefined;
    } else if (depth === 2 && token.startsWith(':')) {
      field = token.slice(1);
    }
  }
  return origins;
}

function originOf(entry: ReadonlyMap<string, string>): readonly ColumnOrigin[] {
  const number = Number(entry.get('resno'));
  const relation = Number(entry.get('resorigtbl'));
  const column = Number(entry.get('resorigcol'));
  return relation > 0 && column > 0 && entry.get('resjunk') === 'false' ? [{ number, relation, column }] : [];
}

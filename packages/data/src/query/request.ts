import type { ReadQuery } from './ast.js';
import { Budget } from './budget.js';
import { parseFilter, parseGroup } from './condition.js';
import { type Name, parseName, parseNames, parsePath } from './field.js';
import { Level } from './level.js';
import { defaultQueryLimits, type QueryLimits } from './limits.js';
import { parseOrder } from './order.js';
import { Scanner } from './scanner.js';
import { parseSelect } from './select.js';

/** Decoded name and value pairs in the order of the query string, e.g. `new URL(…).searchParams`. */
export type QueryParameters = Iterable<readonly [name: string, value: string]>;

export interface WriteQuery {
  /** `where` says which rows, the rest how they come back. */
  readonly query: ReadQuery;
  /** The columns of the body that count; all others are ignored. */
  readonly columns?: readonly string[];
  /** Columns of the unique constraint that decides which rows are there already; else the primary key. */
  readonly onConflict?: readonly string[];
}

export interface CallQuery {
  /** Values by argument name, several when a name is repeated. */
  readonly arguments: ReadonlyMap<string, readonly string[]>;
  readonly query: ReadQuery;
}

/** @throws QueryError PGRST100, naming the parameter and the character */
export function parseReadRequest(parameters: QueryParameters, limits: QueryLimits = defaultQueryLimits): ReadQuery {
  return new RequestParser(limits).read([...parameters]);
}

/** POST, PATCH, PUT, DELETE on a relation. @throws QueryError PGRST100, naming the parameter and the character */
export function parseWriteRequest(parameters: QueryParameters, limits: QueryLimits = defaultQueryLimits): WriteQuery {
  const names = new Map<string, string[]>();
  const parser = new RequestParser(limits);
  const rest = [...parameters].filter(([name, value]) => {
    if (name !== 'columns' && name !== 'on_conflict') return true;
    const scanner = parser.open(name, value);
    parser.root.claim(name, scanner);
    names.set(name, parseNames(scanner));
    return false;
  });
  const query = parser.read(rest);
  const columns = names.get('columns');
  const onConflict = names.get('on_conflict');
  return {
    query,
    ...(columns === undefined ? {} : { columns }),
    ...(onConflict === undefined ? {} : { onConflict }),
  };
}

/**
 * @param argumentNames which parameters are arguments (GET); the others are filters. Empty for POST.
 * @throws QueryError PGRST100, naming the parameter and the character
 */
export function parseCallRequest(
  parameters: QueryParameters,
  argumentNames: ReadonlySet<string>,
  limits: QueryLimits = defaultQueryLimits,
): CallQuery {
  const parser = new RequestParser(limits);
  const values = new Map<string, string[]>();
  const rest = [...parameters].filter(([name, value]) => {
    if (!argumentNames.has(name)) return true;
    parser.open(name, value);
    const list = values.get(name);
    if (list === undefined) values.set(name, [value]);
    else list.push(value);
    return false;
  });
  return { arguments: values, query: parser.read(rest) };
}

class RequestParser {
  readonly root = new Level();
  readonly #budget: Budget;

  constructor(limits: QueryLimits) {
    this.#budget = new Budget(limits);
  }

  open(name: string, value: string): Scanner {
    this.#budget.spendText(name, value);
    return new Scanner(value, name);
  }

  /** `select` first, wherever it stands: the others refer to what it embeds. */
  read(parameters: readonly (readonly [string, string])[]): ReadQuery {
    for (const [name, value] of parameters) {
      if (name === 'select') this.#readSelect(this.open(name, value));
    }
    if (this.root.select.length === 0) this.root.select.push({ kind: 'all' });
    for (const [name, value] of parameters) {
      if (name !== 'select') this.#readParameter(name, this.open(name, value));
    }
    return this.root;
  }

  #readSelect(scanner: Scanner): void {
    this.root.claim('select', scanner);
    if (scanner.atEnd) return;
    parseSelect(scanner, this.#budget, this.root);
    scanner.expectEnd();
  }

  /** `relation.relation.column->>key=…`, `relation.order=…`, `relation.not.or=…` */
  #readParameter(parameter: string, value: Scanner): void {
    const scanner = new Scanner(parameter, parameter);
    const names: Name[] = [];
    do names.push(parseName(scanner, 'a column, order, limit, offset, and, or'));
    while (scanner.accept('.'));
    const path = parsePath(scanner);
    scanner.expectEnd();
    const last = names.pop() as Name;
    const word = last.quoted || path.length > 0 ? undefined : last.text;
    const isGroup = word === 'and' || word === 'or';
    const negation = isGroup ? names.at(-1) : undefined;
    const negated = negation !== undefined && !negation.quoted && negation.text === 'not';
    if (negated) names.pop();

    const level = names.reduce((outer, { text }) => outer.embedded(text), this.root);
    if (isGroup) {
      // Reactor's own clients write or=eq.(…).
      value.accept('eq.');
      level.where.push(parseGroup(value, this.#budget, word, negated));
      value.expectEnd();
    } else if (word === 'order') {
      level.claim('order', value);
      if (!value.atEnd) level.order = parseOrder(value, this.#budget);
    } else if (word === 'limit' || word === 'offset') {
      level.claim(word, value);
      level[word] = parseCount(value);
    } else if (names.length === 0 && (word === 'columns' || word === 'on_conflict')) {
      scanner.fail(`no ${word}, which is for requests that write rows`, 0);
    } else {
      level.where.push(parseFilter(value, this.#budget, { column: last.text, path }, 'parameter'));
      value.expectEnd();
    }
  }
}

function parseCount(scanner: Scanner): number {
  const expected = `a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`;
  const count = Number(scanner.match(/\d+/y) ?? scanner.fail(expected));
  if (!Number.isSafeInteger(count)) scanner.fail(expected, 0);
  scanner.expectEnd();
  return count;
}

import type { Condition, OrderTerm, ReadQuery, SelectItem } from './ast.js';
import { QueryError } from './query-error.js';
import { quoted, type Scanner } from './scanner.js';

/** A level of the query while its parameters come in. */
export class Level implements ReadQuery {
  readonly select: SelectItem[] = [];
  readonly where: Condition[] = [];
  order: readonly OrderTerm[] = [];
  limit?: number;
  offset?: number;
  readonly #embeds = new Map<string, Level>();
  readonly #given = new Set<string>();

  /** @param refuse called when another embedded resource has the same name: filters could not tell them apart */
  add(item: SelectItem, refuse: () => never): void {
    this.select.push(item);
    if (item.kind !== 'embed' || !(item.query instanceof Level)) return;
    const name = item.alias ?? item.target;
    if (this.#embeds.has(name)) refuse();
    this.#embeds.set(name, item.query);
  }

  /** @throws QueryError PGRST108 when `select` embeds nothing of this name here */
  embedded(name: string): Level {
    const level = this.#embeds.get(name);
    if (level !== undefined) return level;
    throw new QueryError('invalid_query', 'PGRST108', `${quoted(name)} is not an embedded resource in this request`, {
      hint: 'Embed it in the select parameter. One with an alias is known by its alias.',
    });
  }

  /** For what may be given once: a second one would silently win or lose. */
  claim(what: string, scanner: Scanner): void {
    if (this.#given.has(what)) scanner.fail(`no second ${what}`);
    this.#given.add(what);
  }
}

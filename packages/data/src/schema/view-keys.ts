import type { RelationRow } from './rows.js';
import { type ColumnOrigin, readColumnOrigins } from './view-columns.js';

/** A foreign key by oids and column numbers, as the catalog has it. */
export interface KeyByNumber {
  readonly name: string;
  readonly relation: number;
  readonly columns: readonly number[];
  readonly referencedRelation: number;
  readonly referencedColumns: readonly number[];
  readonly unique: boolean;
}

/** A relation and, for each column of a table that it shows, the number under which it does. */
type Shown = ReadonlyMap<number, number>;

/**
 * Keys that one foreign key may become by views. It becomes one for each pair of views on its two sides, and a thousand
 * views on each would be a million: past this number, only those with a table on one side are kept.
 */
const MAX_INHERITED = 10_000;

/**
 * The keys of the tables, and for each of them those that the views inherit which show all of its columns, on either
 * side.
 */
export function inheritForeignKeys(
  relations: readonly RelationRow[],
  keys: readonly KeyByNumber[],
): readonly KeyByNumber[] {
  const viewsOn = columnsShownByViews(relations);
  const showing = (table: number, columns: readonly number[]) => {
    const found = [{ relation: table, columns }];
    for (const [view, shown] of viewsOn.get(table) ?? []) {
      const numbers = columns.flatMap((column) => shown.get(column) ?? []);
      if (numbers.length === columns.length) found.push({ relation: view, columns: numbers });
    }
    return found;
  };
  return keys.flatMap((key) => {
    const referring = showing(key.relation, key.columns);
    const referred = showing(key.referencedRelation, key.referencedColumns);
    const isBetweenViews = referring.length * referred.length <= MAX_INHERITED;
    return referring.flatMap((from, index) =>
      (index === 0 || isBetweenViews ? referred : referred.slice(0, 1)).map((to) => ({
        name: key.name,
        ...from,
        referencedRelation: to.relation,
        referencedColumns: to.columns,
        unique: key.unique,
      })),
    );
  });
}

/** By table, then by view. A view of a view shows what the lower one shows of the table. */
function columnsShownByViews(relations: readonly RelationRow[]): ReadonlyMap<number, ReadonlyMap<number, Shown>> {
  const origins: Origins = new Map(
    relations.flatMap(({ oid, definition }) =>
      definition === null
        ? []
        : [[oid, new Map(readColumnOrigins(definition).map((origin) => [origin.number, origin]))]],
    ),
  );
  const bases = new Map<ColumnOrigin, ColumnOrigin | undefined>();
  const tables = new Map<number, Map<number, Map<number, number>>>();
  for (const [view, columns] of origins) {
    for (const first of columns.values()) {
      const origin = baseOf(first, origins, bases);
      if (origin === undefined) continue;
      const views = getOrInsert(tables, origin.relation, () => new Map<number, Map<number, number>>());
      const shown = getOrInsert(views, view, () => new Map<number, number>());
      // Shown twice, the first one stands for it.
      if (!shown.has(origin.column)) shown.set(origin.column, first.number);
    }
  }
  return tables;
}

/** By view, then by number of the column: where it comes from. */
type Origins = ReadonlyMap<number, ReadonlyMap<number, ColumnOrigin>>;

/**
 * The origin that is not a view's column; undefined where none is reached, as in a view of itself.
 * @param known each origin is looked at once, however many views stand on each other
 */
function baseOf(
  first: ColumnOrigin,
  origins: Origins,
  known: Map<ColumnOrigin, ColumnOrigin | undefined>,
): ColumnOrigin | undefined {
  const passed: ColumnOrigin[] = [];
  let at = first;
  while (!known.has(at)) {
    passed.push(at);
    const below = origins.get(at.relation)?.get(at.column);
    // Coming by again before more is known means a circle.
    known.set(at, below === undefined ? at : undefined);
    at = below ?? at;
  }
  const base = known.get(at);
  for (const origin of passed) known.set(origin, base);
  return base;
}

function getOrInsert<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

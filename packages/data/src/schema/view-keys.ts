import type { RelationRow } from './introspect.js';
import { readColumnOrigins } from './view-columns.js';

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
  return keys.flatMap((key) =>
    showing(key.relation, key.columns).flatMap((from) =>
      showing(key.referencedRelation, key.referencedColumns).map((to) => ({
        name: key.name,
        ...from,
        referencedRelation: to.relation,
        referencedColumns: to.columns,
        unique: key.unique,
      })),
    ),
  );
}

/** By table, then by view. A view of a view shows what the lower one shows of the table. */
function columnsShownByViews(relations: readonly RelationRow[]): ReadonlyMap<number, ReadonlyMap<number, Shown>> {
  const origins = new Map(
    relations.flatMap(({ oid, definition }) =>
      definition === null
        ? []
        : [[oid, new Map(readColumnOrigins(definition).map((origin) => [origin.number, origin]))]],
    ),
  );
  const tables = new Map<number, Map<number, Map<number, number>>>();
  for (const [view, columns] of origins) {
    for (const first of columns.values()) {
      let origin = first;
      for (;;) {
        const below = origins.get(origin.relation);
        if (below === undefined) break;
        const next = below.get(origin.column);
        if (next === undefined) break;
        origin = next;
      }
      const views = getOrInsert(tables, origin.relation, () => new Map<number, Map<number, number>>());
      const shown = getOrInsert(views, view, () => new Map<number, number>());
      // Shown twice, the first one stands for it.
      if (!shown.has(origin.column)) shown.set(origin.column, first.number);
    }
  }
  return tables;
}

function getOrInsert<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

import type { Migration, Queryable, QueryOptions } from '@reactor/core';
import { type AppliedMigration, checksumOf, readHistory } from './store.js';

/** The migrations of one owner: a capability, or a user's project. */
export interface MigrationSet {
  /** Unique among the sets: `storage`. */
  readonly owner: string;
  /** The schema it owns; created before its first migration, and the `search_path` while they run. */
  readonly schema?: string;
  readonly migrations: readonly Migration[];
}

export interface MigrationName {
  readonly owner: string;
  readonly id: string;
}

/** What a database has of the sets and what it lacks. */
export interface MigrationStatus {
  readonly applied: readonly (MigrationName & { readonly appliedAt: Date })[];
  /** Not applied yet, in the order in which they will be. */
  readonly pending: readonly MigrationName[];
  /** Applied with another text than they have now. */
  readonly changed: readonly MigrationName[];
  /** Applied to this database for one of the owners, but in none of the sets: a newer release was here. */
  readonly unknown: readonly MigrationName[];
}

/** Compares the sets with what the database remembers. Changes nothing. */
export async function migrationStatus(
  database: Queryable,
  sets: readonly MigrationSet[],
  options?: QueryOptions,
): Promise<MigrationStatus> {
  checkSets(sets);
  return compare(await readHistory(database, options), sets);
}

export function compare(history: readonly AppliedMigration[], sets: readonly MigrationSet[]): MigrationStatus {
  const applied = new Map(history.map((entry) => [nameOf(entry), entry]));
  const wanted = sets.flatMap(({ owner, migrations }) => migrations.map((migration) => ({ owner, ...migration })));
  const known = new Set(wanted.map(nameOf));
  const owners = new Set(sets.map(({ owner }) => owner));
  const named = ({ owner, id }: MigrationName): MigrationName => ({ owner, id });
  return {
    applied: wanted.flatMap((migration) => {
      const entry = applied.get(nameOf(migration));
      return entry === undefined ? [] : [{ ...named(entry), appliedAt: entry.appliedAt }];
    }),
    pending: wanted.filter((migration) => !applied.has(nameOf(migration))).map(named),
    changed: wanted
      .filter((migration) => {
        const entry = applied.get(nameOf(migration));
        return entry !== undefined && entry.checksum !== checksumOf(migration);
      })
      .map(named),
    unknown: history.filter((entry) => owners.has(entry.owner) && !known.has(nameOf(entry))).map(named),
  };
}

/** `storage/0001_create_buckets` */
export function nameOf({ owner, id }: MigrationName): string {
  return `${owner}/${id}`;
}

/** @throws TypeError for an owner or an id that is there twice, or out of order */
export function checkSets(sets: readonly MigrationSet[]): void {
  const owners = new Set<string>();
  for (const { owner, migrations } of sets) {
    if (owners.has(owner)) throw new TypeError(`two migration sets have the owner ${JSON.stringify(owner)}`);
    owners.add(owner);
    for (const [i, { id }] of migrations.entries()) {
      const previous = migrations[i - 1]?.id;
      if (previous !== undefined && !(id > previous)) {
        throw new TypeError(`migration ${owner}/${id} stands after ${previous}; ids must ascend`);
      }
    }
  }
}

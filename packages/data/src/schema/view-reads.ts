/** A view that is a security invoker, and a relation that it reads, both by oid. */
export interface ViewRead {
  readonly view: number;
  readonly relation: number;
  /** Whether no policy can hold for the relation: without row-level security, or a view with its owner's rights. */
  readonly open: boolean;
}

/** The views that read something open, directly or through others. Each is looked at once, whatever reads whom. */
export function openViews(reads: readonly ViewRead[]): ReadonlySet<number> {
  const readers = new Map<number, number[]>();
  for (const { view, relation } of reads) {
    const known = readers.get(relation);
    if (known === undefined) readers.set(relation, [view]);
    else known.push(view);
  }
  // A set goes on to what is added while it is walked.
  const found = new Set(reads.filter(({ open }) => open).map(({ view }) => view));
  for (const view of found) {
    for (const reader of readers.get(view) ?? []) found.add(reader);
  }
  return found;
}

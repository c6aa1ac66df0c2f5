/** Tags as a caller writes them. When a key occurs twice, the last one given wins. */
export type TagsInput = Readonly<Record<string, string>> | Iterable<readonly [string, string]>;

type Entry = readonly [key: string, value: string];

/**
 * An immutable tag set: unique keys, sorted by UTF-16 code unit.
 * Build one with {@link tagsOf}.
 */
export class Tags implements Iterable<Entry> {
  /** Equal for equal sets and only for those; half of a meter's identity, beside its name. */
  readonly id: string;

  /** @param entries unique by key and sorted; {@link tagsOf} sees to both */
  constructor(private readonly entries: readonly Entry[]) {
    this.id = JSON.stringify(entries);
  }

  [Symbol.iterator](): Iterator<Entry> {
    return this.entries[Symbol.iterator]();
  }

  /** How many tags there are. */
  get size(): number {
    return this.entries.length;
  }

  /** The value of `key`, or `undefined`. */
  get(key: string): string | undefined {
    return this.entries.find(([own]) => own === key)?.[1];
  }

  /** These tags and `more`; on equal keys `more` wins. */
  and(more: TagsInput): Tags {
    return tagsOf(this, more);
  }
}

/**
 * Merges tag sets into one; later inputs win on equal keys.
 * @throws TypeError for an empty key, or a key or value that is not a string
 */
export function tagsOf(...inputs: readonly TagsInput[]): Tags {
  const [only] = inputs;
  if (inputs.length === 1 && only instanceof Tags) return only;
  const byKey = new Map<string, string>();
  for (const input of inputs) {
    for (const [key, value] of entriesOf(input)) {
      assertTag(key, value);
      byKey.set(key, value);
    }
  }
  return new Tags([...byKey].sort(byCodeUnit));
}

function entriesOf(input: TagsInput): Iterable<Entry> {
  if (typeof input !== 'object' || input === null) {
    throw new TypeError(`tags must be an object or an iterable of [key, value] pairs, got ${String(input)}`);
  }
  return Symbol.iterator in input ? (input as Iterable<Entry>) : Object.entries(input);
}

/** @throws TypeError unless `key` is a non-empty string and `value` a string */
export function assertTag(key: unknown, value: unknown): void {
  if (typeof key !== 'string' || key === '') throw new TypeError('a tag key must be a non-empty string');
  if (typeof value !== 'string') throw new TypeError(`the value of tag "${key}" must be a string, got ${typeof value}`);
}

// `<` compares strings by code unit; localeCompare would make the order depend on the machine.
function byCodeUnit([a]: Entry, [b]: Entry): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

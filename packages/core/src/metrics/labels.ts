import { renderLabels } from './label-text.js';

/** An open label: at most `limit` values get a series of their own, later ones share `_other`. */
export interface OpenLabel {
  readonly limit: number;
}

/** Closed sets are the rule: each label names its values. An open label needs a limit. */
export type LabelSpec = Readonly<Record<string, readonly string[] | OpenLabel>>;

/** The labels of one series. */
export type LabelValues<Labels extends LabelSpec> = {
  readonly [Name in keyof Labels]: Labels[Name] extends readonly string[] ? Labels[Name][number] : string;
};

/** What a value outside its label's set, or past its limit, is counted under. */
export const OTHER = '_other';

export function openLabel(limit: number): OpenLabel {
  return { limit };
}

export interface Child<State> {
  readonly labels: Readonly<Record<string, string>>;
  /** `labels` as `renderLabels` writes them. */
  readonly labelText: string;
  readonly state: State;
}

/**
 * The series of one family. Combinations of closed labels exist from the start, so that a rate over the first event is
 * seen; those with an open label come with their first use.
 */
export class SeriesSet<Labels extends LabelSpec, State> {
  readonly labelNames: readonly string[];
  readonly #spec: readonly (readonly [string, readonly string[] | OpenLabel])[];
  readonly #seen: readonly Set<string>[];
  readonly #children = new Map<string, Child<State>>();
  readonly #create: (labels: Readonly<Record<string, string>>) => State;
  #overflows = 0;

  constructor(spec: Labels, create: (labels: Readonly<Record<string, string>>) => State) {
    this.#spec = Object.entries(spec);
    this.labelNames = this.#spec.map(([name]) => name);
    this.#seen = this.#spec.map(([, values]) => new Set(isClosed(values) ? values : []));
    this.#create = create;
    this.#createClosed();
  }

  /** How often `child` answered with `_other` because an open label was at its limit; undefined without open labels. */
  get overflows(): number | undefined {
    return this.#spec.every(([, values]) => isClosed(values)) ? undefined : this.#overflows;
  }

  child(labels: LabelValues<Labels>): State {
    const values = this.labelNames.map((name, i) => this.#admit(i, (labels as Record<string, string>)[name] as string));
    return (this.#children.get(keyOf(values)) ?? this.#add(values)).state;
  }

  children(): IterableIterator<Child<State>> {
    return this.#children.values();
  }

  reset(): void {
    this.#children.clear();
    this.#createClosed();
  }

  #admit(index: number, value: string): string {
    const seen = this.#seen[index] as Set<string>;
    if (seen.has(value)) return value;
    const values = this.#spec[index]?.[1] as readonly string[] | OpenLabel;
    if (isClosed(values)) return OTHER;
    if (seen.size >= values.limit) {
      this.#overflows++;
      return OTHER;
    }
    seen.add(value);
    return value;
  }

  #add(values: readonly string[]): Child<State> {
    const labels = Object.fromEntries(this.labelNames.map((name, i) => [name, values[i] as string]));
    const child = { labels, labelText: renderLabels(labels), state: this.#create(labels) };
    this.#children.set(keyOf(values), child);
    return child;
  }

  #createClosed(): void {
    let combinations: string[][] = [[]];
    for (const [, values] of this.#spec) {
      if (!isClosed(values)) return;
      combinations = combinations.flatMap((head) => values.map((value) => [...head, value]));
    }
    for (const combination of combinations) this.#add(combination);
  }
}

/** With lengths, so that no value can be written that reads as two. */
function keyOf(values: readonly string[]): string {
  let key = '';
  for (const value of values) key += `${value.length}:${value}`;
  return key;
}

function isClosed(values: readonly string[] | OpenLabel): values is readonly string[] {
  return Array.isArray(values);
}

import { type ParsedFamily, parseExposition } from '@reactor/testing';

/** A family of a scrape, its samples by `name{label="value",…}` as their lines have it. */
export type FamilyByLine = Omit<ParsedFamily, 'samples'> & { readonly samples: ReadonlyMap<string, number> };

/** What a scrape says, for tests that care how its lines look. */
export function familiesByLine(text: string): Map<string, FamilyByLine> {
  return new Map(
    Array.from(parseExposition(text).families, ([name, family]) => [
      name,
      { ...family, samples: new Map(family.samples.map(({ name, labels, value }) => [lineOf(name, labels), value])) },
    ]),
  );
}

function lineOf(name: string, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`);
  return pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

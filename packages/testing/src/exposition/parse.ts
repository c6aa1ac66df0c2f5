import { checkFamily } from './check-family.js';
import { Exposition, FAMILY_TYPES, type FamilyType, type ParsedFamily, type ParsedSample } from './exposition.js';
import { parseSample, unescapeHelp } from './sample.js';

/** The text is not valid exposition; the message says where. */
export class ExpositionError extends Error {
  override readonly name = 'ExpositionError';
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SUFFIXES: Readonly<Partial<Record<FamilyType, readonly string[]>>> = {
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};

/**
 * Reads the Prometheus text format 0.0.4, and accepts nothing a scraper might read in another way: each family has one
 * HELP at most and one TYPE before its samples, its lines stand together, no series is there twice, histograms are
 * cumulative and complete, counters are not negative.
 * @throws ExpositionError naming the line
 */
export function parseExposition(text: string): Exposition {
  if (text === '') return new Exposition(new Map());
  if (!text.endsWith('\n')) throw new ExpositionError('the last line does not end with a line feed');
  const reader = new FamilyReader();
  for (const [index, line] of text.slice(0, -1).split('\n').entries()) {
    try {
      reader.read(line);
    } catch (error) {
      throw new ExpositionError(`line ${index + 1}: ${(error as Error).message}: ${JSON.stringify(line)}`);
    }
  }
  return new Exposition(reader.finish());
}

interface OpenFamily {
  readonly name: string;
  help: string | undefined;
  type: FamilyType | undefined;
  readonly samples: ParsedSample[];
}

class FamilyReader {
  readonly #families = new Map<string, ParsedFamily>();
  #open: OpenFamily | undefined;

  read(line: string): void {
    if (line.trim() === '') return;
    if (!line.startsWith('#')) {
      this.#sample(parseSample(line));
      return;
    }
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE)(?: (\S+))?(?: (.*))?$/.exec(line) ?? [];
    // Any other line that begins with # is a comment.
    if (keyword === undefined) return;
    if (!NAME.test(name)) throw new Error(`${keyword} without a metric name`);
    const family = this.#enter(name);
    if (family.samples.length > 0) throw new Error(`${keyword} after samples of its family`);
    if (keyword === 'HELP') {
      if (family.help !== undefined) throw new Error('a second HELP');
      family.help = unescapeHelp(rest);
    } else {
      if (family.type !== undefined) throw new Error('a second TYPE');
      family.type = familyType(rest);
    }
  }

  finish(): ReadonlyMap<string, ParsedFamily> {
    this.#close();
    return this.#families;
  }

  #sample(sample: ParsedSample): void {
    const { name, type } = this.#open ?? {};
    if (name === undefined || type === undefined) throw new Error('a sample without a TYPE before it');
    const names = (SUFFIXES[type] ?? ['']).map((suffix) => name + suffix);
    if (!names.includes(sample.name)) throw new Error(`a sample that does not belong to the ${type} ${name}`);
    this.#open?.samples.push(sample);
  }

  #enter(name: string): OpenFamily {
    if (this.#open?.name === name) return this.#open;
    this.#close();
    if (this.#families.has(name)) throw new Error(`the lines of ${name} do not stand together`);
    this.#open = { name, help: undefined, type: undefined, samples: [] };
    return this.#open;
  }

  #close(): void {
    if (this.#open === undefined) return;
    const { name, help, type, samples } = this.#open;
    if (type === undefined) throw new Error(`${name} has a HELP and no TYPE`);
    const family = { name, help: help ?? '', type, samples };
    checkFamily(family);
    this.#families.set(name, family);
    this.#open = undefined;
  }
}

function familyType(text: string): FamilyType {
  const type = FAMILY_TYPES.find((known) => known === text);
  if (type === undefined) throw new Error(`the type is none of ${FAMILY_TYPES.join(', ')}`);
  return type;
}

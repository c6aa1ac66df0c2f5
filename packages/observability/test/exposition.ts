const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (NaN|[+-]Inf|-?[0-9][0-9.e+-]*)$`);
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)/;

export interface ParsedFamily {
  readonly help: string;
  readonly type: string;
  /** By `name{label="value",…}` as the line has it. */
  readonly samples: Map<string, number>;
}

/** A strict reader of the text format 0.0.4: whatever it does not know is an error that names the line. */
export function parseExposition(text: string): Map<string, ParsedFamily> {
  if (!text.endsWith('\n')) throw new Error('the last line has no line feed');
  const families = new Map<string, ParsedFamily>();
  let current: { name: string; family: ParsedFamily } | undefined;
  let help: [string, string] | undefined;
  for (const line of text.slice(0, -1).split('\n')) {
    const wrong = (why: string) => new Error(`${why}: ${line}`);
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (keyword === 'HELP') {
      if (/\\(?![\\n])/.test(rest.replaceAll('\\\\', ''))) throw wrong('bad escape in HELP');
      help = [name, rest];
    } else if (keyword === 'TYPE') {
      if (help?.[0] !== name) throw wrong('TYPE without HELP before it');
      if (families.has(name)) throw wrong('family declared twice');
      current = { name, family: { help: help[1], type: rest, samples: new Map() } };
      families.set(name, current.family);
    } else {
      const [, sampleName = '', labels, value = ''] = SAMPLE.exec(line) ?? [];
      if (sampleName === '') throw wrong('no sample');
      if (current === undefined || !belongs(sampleName, current.name, current.family.type))
        throw wrong('outside family');
      for (let left = labels ?? ''; left !== ''; ) {
        const label = LABEL.exec(left);
        if (label === null) throw wrong('bad label');
        left = left.slice(label[0].length);
      }
      const key = labels === undefined ? sampleName : `${sampleName}{${labels}}`;
      if (current.family.samples.has(key)) throw wrong('duplicate series');
      current.family.samples.set(key, Number(value.replace('Inf', 'Infinity')));
    }
  }
  return families;
}

function belongs(sample: string, family: string, type: string): boolean {
  if (type === 'histogram') return [`${family}_bucket`, `${family}_sum`, `${family}_count`].includes(sample);
  if (type === 'summary') return [family, `${family}_sum`, `${family}_count`].includes(sample);
  return sample === family;
}

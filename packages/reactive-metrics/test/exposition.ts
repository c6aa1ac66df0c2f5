/** One sample of an exposition. */
export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One family of an exposition. */
export interface ParsedFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly ParsedSample[];
}

const OPEN_METRICS_SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total', '_created'],
  gauge: [''],
  summary: ['', '_count', '_sum', '_created'],
  histogram: ['_bucket', '_count', '_sum', '_created'],
  gaugehistogram: ['_bucket', '_gcount', '_gsum'],
};

const TEXT_SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: [''],
  gauge: [''],
  summary: ['', '_count', '_sum'],
  // The text format has no gauge histograms: their count and sum stand as untyped series beside the buckets.
  histogram: ['_bucket', '_count', '_sum', '_gcount', '_gsum'],
};

/** Reads OpenMetrics 1.0 and throws at the first thing that is not in order. */
export function parseOpenMetrics(text: string): Map<string, ParsedFamily> {
  if (!text.endsWith('\n# EOF\n')) throw new Error('must end with "# EOF" and a line feed');
  const lines = text.slice(0, -'# EOF\n'.length).split('\n').slice(0, -1);
  if (lines.includes('')) throw new Error('blank line');
  return parse(lines, OPEN_METRICS_SUFFIXES);
}

/** Reads the Prometheus text format 0.0.4 just as strictly. */
export function parseText(text: string): Map<string, ParsedFamily> {
  if (text === '\n') return new Map();
  if (!text.endsWith('\n')) throw new Error('must end with a line feed');
  return parse(
    text.split('\n').filter((line) => line !== ''),
    TEXT_SUFFIXES,
  );
}

function parse(lines: readonly string[], suffixes: Readonly<Record<string, readonly string[]>>) {
  const families = new Map<string, ParsedFamily & { samples: ParsedSample[] }>();
  const series = new Set<string>();
  const sampleNames = new Map<string, string>();
  let current: (ParsedFamily & { samples: ParsedSample[] }) | undefined;
  let help: { name: string; text: string } | undefined;
  for (const line of lines) {
    if (line.startsWith('#')) {
      const meta = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/.exec(line);
      if (meta === null) throw new Error(`not a comment that may stand here: ${line}`);
      const [, keyword, name = '', rest = ''] = meta;
      if (keyword === 'HELP') {
        help = { name, text: rest };
        continue;
      }
      if (help?.name !== name) throw new Error(`TYPE without HELP before it: ${line}`);
      if (families.has(name)) throw new Error(`family ${name} occurs twice`);
      if (!(rest in suffixes)) throw new Error(`unknown type: ${line}`);
      current = { name, type: rest, help: help.text, samples: [] };
      families.set(name, current);
      continue;
    }
    const sample = parseSample(line);
    if (current === undefined) throw new Error(`sample before any family: ${line}`);
    const suffix = sample.name.startsWith(current.name) ? sample.name.slice(current.name.length) : undefined;
    if (suffix === undefined || !suffixes[current.type]?.includes(suffix)) {
      throw new Error(`${sample.name} does not belong to the ${current.type} ${current.name}`);
    }
    const owner = sampleNames.get(sample.name) ?? current.name;
    if (owner !== current.name) throw new Error(`${sample.name} belongs to ${owner} and to ${current.name}`);
    sampleNames.set(sample.name, owner);
    // To Prometheus an empty label is an absent one.
    const present = Object.entries(sample.labels).filter(([, value]) => value !== '');
    const id = `${sample.name}${JSON.stringify(present.sort())}`;
    if (series.has(id)) throw new Error(`duplicate series: ${line}`);
    series.add(id);
    current.samples.push(sample);
  }
  for (const family of families.values()) checkBuckets(family);
  return families as Map<string, ParsedFamily>;
}

function parseSample(line: string): ParsedSample {
  const head = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{|\s)/.exec(line);
  if (head === null) throw new Error(`not a sample: ${line}`);
  const [, name = ''] = head;
  const labels: Record<string, string> = {};
  let rest = line.slice(name.length);
  if (rest.startsWith('{')) {
    rest = rest.slice(1);
    while (!rest.startsWith('}')) {
      const label = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,(?=[a-zA-Z_])|(?=\}))/.exec(rest);
      if (label === null) throw new Error(`not a label: ${rest}`);
      const [all, key = '', value = ''] = label;
      if (Object.hasOwn(labels, key)) throw new Error(`label ${key} occurs twice: ${line}`);
      labels[key] = value.replace(/\\([\\"n])/g, (_, escaped) => (escaped === 'n' ? '\n' : escaped));
      rest = rest.slice(all.length);
    }
    rest = rest.slice(1);
  }
  const value = /^ (\S+)$/.exec(rest)?.[1] ?? '';
  if (!/^([+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?|[+-]?Inf|Nan)$/i.test(value)) throw new Error(`not a value: ${line}`);
  return { name, labels, value: Number(value.replace(/Inf/i, 'Infinity')) };
}

function checkBuckets(family: ParsedFamily): void {
  const previous = new Map<string, { le: number; value: number }>();
  for (const { name, labels, value } of family.samples) {
    if (!name.endsWith('_bucket')) continue;
    const { le = '', ...others } = labels;
    const bound = Number(le.replace('+Inf', 'Infinity'));
    const id = JSON.stringify(others);
    const before = previous.get(id) ?? { le: Number.NEGATIVE_INFINITY, value: 0 };
    if (!(bound > before.le) || value < before.value) throw new Error(`buckets of ${family.name} out of order`);
    previous.set(id, { le: bound, value });
  }
  for (const { le } of previous.values()) {
    if (le !== Number.POSITIVE_INFINITY) throw new Error(`${family.name} has no +Inf bucket`);
  }
}

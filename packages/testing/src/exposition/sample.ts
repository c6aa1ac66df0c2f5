import type { ParsedSample } from './exposition.js';

const SAMPLE_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL_NAME = /[a-zA-Z_][a-zA-Z0-9_]*/y;
const LABEL_VALUE = /"((?:[^"\\\n]|\\.)*)"/y;
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const SPECIAL: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  '+Inf': Number.POSITIVE_INFINITY,
  '-Inf': Number.NEGATIVE_INFINITY,
};

/** Reads `name{label="value"} 1 1700000000000`. */
export function parseSample(line: string): ParsedSample {
  const name = SAMPLE_NAME.exec(line)?.[0];
  if (name === undefined) throw new Error('a sample does not begin with a metric name');
  const { labels, end } = parseLabels(line, name.length);
  const [, value = '', timestamp] = /^ (\S+)(?: (-?\d+))?$/.exec(line.slice(end)) ?? [];
  const number = SPECIAL[value] ?? (NUMBER.test(value) ? Number(value) : undefined);
  if (number === undefined) throw new Error('after the labels must come one space and a number');
  return { name, labels, value: number, ...(timestamp === undefined ? {} : { timestamp: Number(timestamp) }) };
}

function parseLabels(line: string, start: number): { readonly labels: Record<string, string>; readonly end: number } {
  const labels: Record<string, string> = {};
  if (line[start] !== '{') return { labels, end: start };
  let at = start + 1;
  while (line[at] !== '}') {
    const name = match(LABEL_NAME, line, at);
    if (name === undefined) throw new Error(`no label name at column ${at + 1}`);
    at += name[0].length;
    if (line[at] !== '=') throw new Error(`no = at column ${at + 1}`);
    const value = match(LABEL_VALUE, line, at + 1);
    if (value === undefined) throw new Error(`no quoted label value at column ${at + 2}`);
    if (name[0] in labels) throw new Error(`the label ${name[0]} is there twice`);
    labels[name[0]] = replaceEscapes(value[1] as string, { '\\': '\\', n: '\n', '"': '"' });
    at += 1 + value[0].length;
    if (line[at] === ',') at += 1;
    else if (line[at] !== '}') throw new Error(`neither , nor } at column ${at + 1}`);
  }
  return { labels, end: at + 1 };
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}

/** A quote needs no escape in HELP. */
export function unescapeHelp(text: string): string {
  return replaceEscapes(text, { '\\': '\\', n: '\n' });
}

function replaceEscapes(text: string, known: Readonly<Record<string, string>>): string {
  return text.replace(/\\(.?)/g, (sequence, character: string) => {
    const meant = known[character];
    if (meant === undefined) throw new Error(`the escape ${sequence} does not exist`);
    return meant;
  });
}

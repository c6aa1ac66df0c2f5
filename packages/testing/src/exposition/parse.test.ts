import { Counter, Gauge, Histogram, Registry, Summary } from 'prom-client';
import { expect, test } from 'vitest';
import { parseExposition } from './parse.js';

const HISTOGRAM = `# TYPE h histogram
h_bucket{le="0.1"} 1
h_bucket{le="1"} 2
h_bucket{le="+Inf"} 2
h_sum 0.6
h_count 2
`;

test('reads what prom-client writes', async () => {
  const registers = [new Registry()];
  const counter = new Counter({ name: 'c_total', help: 'Counts\nin "two" lines \\', labelNames: ['path'], registers });
  counter.inc({ path: 'a\\b"c\nd,}' }, 3);
  new Gauge({ name: 'g', help: 'Goes', registers }).set(-1.5);
  new Histogram({ name: 'h', help: 'Spreads', buckets: [0.1, 1], registers }).observe(0.5);
  new Summary({ name: 's', help: 'Sums', registers }).observe(2);
  const exposition = parseExposition(await (registers[0] as Registry).metrics());
  expect(Array.from(exposition.families.values(), ({ name, type }) => [name, type])).toEqual([
    ['c_total', 'counter'],
    ['g', 'gauge'],
    ['h', 'histogram'],
    ['s', 'summary'],
  ]);
  expect(exposition.families.get('c_total')).toMatchObject({
    help: 'Counts\nin "two" lines \\',
    samples: [{ name: 'c_total', labels: { path: 'a\\b"c\nd,}' }, value: 3 }],
  });
  expect(exposition.value('g')).toBe(-1.5);
  expect(exposition.value('h_bucket', { le: '+Inf' })).toBe(1);
  expect(exposition.value('s', { quantile: '0.5' })).toBe(2);
  expect(exposition.value('g', { no: 'such' })).toBeUndefined();
});

test('reads what the format allows', () => {
  const text = [
    '# a comment',
    '',
    '# HELP g ',
    '# TYPE g gauge',
    'g NaN',
    'g{a="1",} +Inf 1700000000000',
    'g{b="1",a="2"} 1e-3',
    '',
  ].join('\n');
  const exposition = parseExposition(text);
  expect(exposition.value('g')).toBeNaN();
  expect(exposition.value('g', { a: '1' })).toBe(Number.POSITIVE_INFINITY);
  expect(exposition.value('g', { a: '2', b: '1' })).toBe(0.001);
  expect(exposition.families.get('g')?.samples[1]?.timestamp).toBe(1_700_000_000_000);
  expect(parseExposition('').families.size).toBe(0);
  expect(parseExposition(HISTOGRAM).value('h_count')).toBe(2);
});

test.each([
  ['no line feed at the end', '# TYPE g gauge\ng 1', 'line feed'],
  ['a sample without a TYPE', 'g 1\n', 'line 1: a sample without a TYPE'],
  ['a sample of another family', '# TYPE g gauge\nx 1\n', 'line 2: a sample that does not belong to the gauge g'],
  ['a TYPE that does not exist', '# TYPE g meter\n', 'the type is none of'],
  ['a TYPE without a name', '# TYPE\n', 'without a metric name'],
  ['a bad metric name', '# TYPE 1g gauge\n', 'without a metric name'],
  ['two TYPEs', '# TYPE g gauge\n# TYPE g gauge\n', 'a second TYPE'],
  ['two HELPs', '# HELP g a\n# HELP g b\n# TYPE g gauge\n', 'a second HELP'],
  ['HELP after samples', '# TYPE g gauge\ng 1\n# HELP g late\n', 'HELP after samples'],
  ['a HELP alone', '# HELP g a\n', 'no TYPE'],
  ['a family in two places', '# TYPE g gauge\n# TYPE x gauge\n# TYPE g gauge\n', 'do not stand together'],
  ['a series twice', '# TYPE g gauge\ng{a="1",b="2"} 1\ng{b="2",a="1"} 1\n', 'is there twice'],
  ['a label twice', '# TYPE g gauge\ng{a="1",a="2"} 1\n', 'the label a is there twice'],
  ['a label without quotes', '# TYPE g gauge\ng{a=1} 1\n', 'no quoted label value at column 5'],
  ['an unknown escape', '# TYPE g gauge\ng{a="\\t"} 1\n', 'the escape \\t does not exist'],
  ['an unknown escape in HELP', '# HELP g \\"\n# TYPE g gauge\n', 'does not exist'],
  ['an open label set', '# TYPE g gauge\ng{a="1" 1\n', 'neither , nor }'],
  ['no value', '# TYPE g gauge\ng\n', 'a number'],
  ['a value in hexadecimal', '# TYPE g gauge\ng 0x1\n', 'a number'],
  ['a value spelt another way', '# TYPE g gauge\ng Infinity\n', 'a number'],
  ['a tab between name and value', '# TYPE g gauge\ng\t1\n', 'a number'],
  ['a timestamp with a fraction', '# TYPE g gauge\ng 1 1.5\n', 'a number'],
  ['a counter below zero', '# TYPE c_total counter\nc_total -1\n', 'negative'],
  ['a histogram without +Inf', HISTOGRAM.replace('h_bucket{le="+Inf"} 2\n', ''), 'without le="+Inf"'],
  ['a histogram without a sum', HISTOGRAM.replace('h_sum 0.6\n', ''), 'without _sum or _count'],
  ['buckets that fall', HISTOGRAM.replace('le="0.1"} 1', 'le="0.1"} 3'), 'not cumulative'],
  ['buckets out of order', HISTOGRAM.replace('le="0.1"', 'le="7"'), 'do not ascend'],
  ['a count of its own', HISTOGRAM.replace('h_count 2', 'h_count 3'), 'not its le="+Inf" bucket'],
  ['a bound that is no number', HISTOGRAM.replace('le="0.1"', 'le="low"'), 'le is not a number'],
  ['a bucket without a bound', HISTOGRAM.replace('{le="0.1"}', ''), 'le is not a number'],
])('refuses %s', (_, text, problem) => {
  expect(() => parseExposition(text)).toThrow(problem);
});

import { expect, test } from 'vitest';
import { csvToJson } from './csv.js';

test.each([
  [
    'a,b\n1,x\n2,y\n',
    [
      { a: '1', b: 'x' },
      { a: '2', b: 'y' },
    ],
  ],
  ['a\r\n1\r\n\r\n2', [{ a: '1' }, { a: '2' }]],
  ['a,b\n"x, ""y""\nz",\n', [{ a: 'x, "y"\nz', b: '' }]],
  ['a,b\nNULL,"NULL"', [{ a: null, b: 'NULL' }]],
  ['\uFEFF"a b",__proto__\n1,2', [{ 'a b': '1', ['__proto__']: '2' }]],
  ['a\n""\n', [{ a: '' }]],
  ['a,b\n', []],
])('reads %j', (text, rows) => {
  expect(JSON.parse(csvToJson(text))).toEqual(rows);
});

test.each([
  ['', 'line 1: a first line'],
  ['\n\n', 'line 1: a first line'],
  ['a,a\n1,2', 'line 1: it names a column twice'],
  ['a,b\n1,2\n\n3', 'line 4: it has 1 values, but there are 2 columns'],
  ['a,b\n"x\ny",2\n3', 'line 4: it has 1 values'],
  ['a\nx"y', 'line 2: it has a quote'],
  ['a\n"x', 'line 2: it has a quote'],
  ['a\n"x"y', 'line 2: it has a quote'],
  [','.repeat(1600), 'line 1: it has more than 1600 values'],
])('refuses %j', (text, problem) => {
  expect(() => csvToJson(text)).toThrow(problem);
});

test('a field may be as long as a body', () => {
  const long = '""x'.repeat(3_000_000);
  expect(JSON.parse(csvToJson(`a\n"${long}"`))).toEqual([{ a: long.replaceAll('""', '"') }]);
  expect(JSON.parse(csvToJson(`a\n${'x'.repeat(9_000_000)}`))[0].a).toHaveLength(9_000_000);
});

test('is linear in the length of the text', () => {
  for (const piece of ['"', '""', ',', '\n', 'a,"', '"a"\n', 'x']) {
    const started = performance.now();
    try {
      csvToJson(`a\n${piece.repeat(200_000)}`);
    } catch {}
    expect(performance.now() - started, piece).toBeLessThan(3_000);
  }
});

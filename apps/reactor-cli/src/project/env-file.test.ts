import { expect, test } from 'vitest';
import { parseEnvFile } from './env-file.js';

const read = (text: string) => Object.fromEntries(parseEnvFile('.env', text));

test.each([
  ['', {}],
  ['A=1', { A: '1' }],
  ['\uFEFFA=1\r\nB=2\r\n', { A: '1', B: '2' }],
  ['  export A = x y  \n', { A: 'x y' }],
  ['# no\n\n  # no\nA=1 # no\n', { A: '1' }],
  ['A=a#b=c', { A: 'a#b=c' }],
  ['A=\nB= # no\nC=#no', { A: '', B: '', C: '' }],
  ['A="a # b\\n\\"c\\"\\\\" # no', { A: 'a # b\n"c"\\' }],
  ["A='a \"b\\n'", { A: 'a "b\\n' }],
  ['KEY="-----BEGIN\nx\n-----END"\nB=1', { KEY: '-----BEGIN\nx\n-----END', B: '1' }],
  ['A=it\'s "fine"', { A: 'it\'s "fine"' }],
  ['A=1\nB=2\nA=3', { B: '2', A: '3' }],
])('%j', (text, expected) => expect(read(text)).toEqual(expected));

test.each([
  ['A=1\nhush', 2],
  ['A="hush', 1],
  ["\n\nA='hush' hush", 3],
  ['=hush', 1],
  ['A B=hush', 1],
  ['__proto__=hush', 1],
  ['KEY=-----BEGIN\nhush==\n', 2],
])('%j is refused by its line, without its text', (text, line) => {
  expect(() => read(text)).toThrow(new RegExp(`^\\.env:${line} is not KEY=value$`));
});

test('a long file is read in a moment', () => {
  const text = `A=${'a '.repeat(200_000)}\n${'B=1\n'.repeat(2000)}`;
  expect(read(text)).toMatchObject({ B: '1' });
});

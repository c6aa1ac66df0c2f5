import { expect, test } from 'vitest';
import { Lines } from './lines.js';

function read(...chunks: string[]): string[] {
  const found: string[] = [];
  const lines = new Lines((line) => found.push(line));
  for (const chunk of chunks) lines.push(chunk);
  lines.end();
  return found;
}

test.each([
  [['a\nb\n'], ['a', 'b']],
  [
    ['a', 'b\nc', '\n'],
    ['ab', 'c'],
  ],
  [['\n\na'], ['', '', 'a']],
  [['no end'], ['no end']],
  [[''], []],
])('%j are the lines %j', (chunks, lines) => {
  expect(read(...chunks)).toEqual(lines);
});

test.each([
  ['in one chunk', ['x'.repeat(20_000), '\nnext\n']],
  ['with its end', [`${'x'.repeat(20_000)}\nnext\n`]],
  ['in many chunks', [...Array.from({ length: 200 }, () => 'x'.repeat(100)), '\nnext\n']],
])('a long line comes in pieces: %s', (_, chunks) => {
  const lines = read(...chunks);
  expect(lines.map(({ length }) => length).every((length) => length <= 8_192)).toBe(true);
  expect(lines.slice(0, -1).join('')).toBe('x'.repeat(20_000));
  expect(lines.at(-1)).toBe('next');
});

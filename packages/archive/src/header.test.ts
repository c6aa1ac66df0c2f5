import { expect, test } from 'vitest';
import { fileHeader } from './header.js';
import { parsePax } from './pax.js';

/** What the pax header before the file says; undefined when there is none. */
function recordsOf(header: Buffer): Record<string, string> | undefined {
  if (header.length === 512) return undefined;
  const size = Number.parseInt(header.toString('latin1', 124, 135), 8);
  return Object.fromEntries(parsePax(header.subarray(512, 512 + size)));
}

test('a size beyond eleven octal digits stands in a pax header', () => {
  expect(recordsOf(fileHeader('a', 8 ** 11 - 1))).toBeUndefined();
  const header = fileHeader('a', 8 ** 11);
  expect(recordsOf(header)).toEqual({ size: String(8 ** 11) });
  expect(header.toString('latin1', 1_024, 1_025)).toBe('a');
  expect(header.toString('latin1', 1_024 + 124, 1_024 + 136)).toBe('77777777777\0');
});

test('the length of a record counts its own digits, whatever that makes of it', () => {
  for (let length = 1; length < 1_100; length++) {
    const path = `ü${'x'.repeat(length)}`;
    expect(recordsOf(fileHeader(path, 0))).toEqual({ path });
  }
});

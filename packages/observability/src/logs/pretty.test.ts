import { expect, test } from 'vitest';
import { addFields } from './plain.js';
import { formatPretty } from './pretty.js';

// Local time, as a person at the terminal has it.
const time = new Date(2026, 0, 31, 14, 3, 7, 42).getTime();

function pretty(fields: Record<string, unknown>, color = false): string {
  return formatPretty(
    { time, level: 'info', target: 'reactor_data', fields: addFields({ message: 'said' }, fields) },
    color,
  );
}

test('shows time, level, target, message and fields', () => {
  expect(pretty({ method: 'GET', status: 200, words: 'two words', list: [1], empty: '', none: null })).toBe(
    '14:03:07.042  INFO reactor_data said method=GET status=200 words="two words" list=[1] empty="" none=null\n',
  );
});

test('colours the level and nothing else', () => {
  expect(pretty({}, true)).toBe('14:03:07.042 \u001b[32m INFO\u001b[0m reactor_data said\n');
});

test('puts stacks below the line, indented', () => {
  const error = new Error('outer\n14:00:00.000  INFO forged', { cause: new TypeError('inner') });
  const rows = pretty({ error }).split('\n');
  expect(rows[0]).toBe('14:03:07.042  INFO reactor_data said error="Error: outer\\n14:00:00.000  INFO forged"');
  expect(rows[1]).toBe('    Error: outer');
  expect(rows).toContain('    caused by');
  expect(rows).toContain('    TypeError: inner');
  expect(rows.slice(1, -1).every((row) => row.startsWith('    '))).toBe(true);
});

test('lets no value move the cursor, end the line or turn the text around', () => {
  const text = pretty({ '\u001b[2Jkey': '\u001b[31mred\r\n\u0007\u009b2K\u2028\u202eevil' });
  expect(text.split('\n')).toHaveLength(2);
  expect(text).toContain('\\x1b[2Jkey=');
  for (const char of ['\u001b', '\r', '\u0007', '\u009b', '\u2028', '\u202e']) expect(text).not.toContain(char);
});

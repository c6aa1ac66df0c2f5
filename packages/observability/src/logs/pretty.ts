import type { LogLevel } from '@reactor/core';
import type { LineParts } from './line.js';

// SGR codes: the level says how urgent, everything else stays in the terminal's own colour.
const COLORS: Readonly<Record<LogLevel, string>> = { trace: '2', debug: '2', info: '32', warn: '33', error: '31' };

/** What would move a terminal's cursor, end the line or turn the text around. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;
const BARE = /^[^\s"=]+$/;

/**
 * A line for people: `14:03:07.123  INFO reactor_data request completed method=GET status=200`, in local time. Stacks
 * follow on lines of their own, indented, so that a record always begins at the left edge and nothing else does.
 */
export function formatPretty({ time, level, target, fields }: LineParts, color: boolean): string {
  const label = level.toUpperCase().padStart(5);
  const { message, ...rest } = fields;
  let line = `${clockTime(time)} ${color ? `\u001b[${COLORS[level]}m${label}\u001b[0m` : label} ${printable(target)}`;
  line += ` ${printable(String(message))}`;
  let stacks = '';
  for (const [key, value] of Object.entries(rest)) {
    line += ` ${printable(key)}=${formatValue(value)}`;
    if (isError(value)) stacks += formatStacks(value);
  }
  return `${line}\n${stacks}`;
}

interface PlainError {
  readonly type: string;
  readonly message: string;
  readonly stack?: unknown;
  readonly cause?: unknown;
}

function formatValue(value: unknown): string {
  if (isError(value)) return printable(JSON.stringify(`${value.type}: ${value.message}`));
  if (typeof value === 'string' && BARE.test(value)) return printable(value);
  return printable(JSON.stringify(value));
}

function formatStacks(error: PlainError): string {
  let text = '';
  for (let at: unknown = error, depth = 0; isError(at) && depth < 8; at = at.cause, depth++) {
    const stack = typeof at.stack === 'string' ? at.stack : `${at.type}: ${at.message}`;
    const indented = stack.split('\n').map((row) => `    ${printable(row.trim())}\n`);
    text += `${depth === 0 ? '' : '    caused by\n'}${indented.join('')}`;
  }
  return text;
}

function isError(value: unknown): value is PlainError {
  return typeof value === 'object' && value !== null && 'type' in value && 'message' in value && 'stack' in value;
}

function printable(text: string): string {
  return text.replace(UNPRINTABLE, (char) => {
    if (char === '\n') return '\\n';
    const code = char.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

function clockTime(time: number): string {
  const at = new Date(time);
  const two = (part: number) => String(part).padStart(2, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

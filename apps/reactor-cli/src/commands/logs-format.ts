import { printable } from '@reactor/core/terminal';
import { type Color, localTime, type Paint } from '../text.js';

const COLORS: Readonly<Record<string, Color>> = { ERROR: 'red', WARN: 'yellow', DEBUG: 'dim', TRACE: 'dim' };

/** A line as the server keeps it. */
export interface LogLine {
  readonly timestamp: string;
  readonly level: string;
  readonly target: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * A log line for people: `2026-01-31 12:00:00 [INFO] request completed target=reactor_data method=GET …`, in local
 * time. Stacks follow indented.
 */
export function formatLogLine(json: string, paint: Paint): string {
  const { timestamp, level, target, fields } = JSON.parse(json) as LogLine;
  const { message, ...rest } = fields;
  const head = `${localTime(timestamp)} [${printable(level)}] ${printable(String(message))} target=${printable(target)}`;
  return formatLine(level, head, rest, paint);
}

/** A line that begins with `head`, with its fields behind it and the stacks of errors below. */
export function formatLine(
  level: string,
  head: string,
  fields: Readonly<Record<string, unknown>>,
  paint: Paint,
): string {
  let line = head;
  let stacks = '';
  for (const [name, value] of Object.entries(fields)) {
    line += ` ${printable(name)}=${formatValue(value)}`;
    for (let at: unknown = value; isError(at); at = at.cause) stacks += indent(at.stack);
  }
  return `${levelColor(level, line, paint)}\n${stacks}`;
}

/** A text in the color of its level. */
export function levelColor(level: string, text: string, paint: Paint): string {
  const color = COLORS[level];
  return color === undefined ? text : paint(color, text);
}

/** Which lines are shown, and how, where people look. */
export interface LogView {
  /** Of the lines that the server gives, as JSON. */
  readonly shows: (json: string) => boolean;
  /** Ends with a line break. */
  readonly format: (json: string, paint: Paint) => string;
}

/** All of them, as `reactor logs` shows them. */
export const ALL_LINES: LogView = { shows: () => true, format: formatLogLine };

interface LoggedError {
  readonly type: string;
  readonly message: string;
  readonly stack: string;
  readonly cause?: unknown;
}

function isError(value: unknown): value is LoggedError {
  if (typeof value !== 'object' || value === null) return false;
  const { type, message, stack } = value as Partial<Record<keyof LoggedError, unknown>>;
  return typeof type === 'string' && typeof message === 'string' && typeof stack === 'string';
}

function formatValue(value: unknown): string {
  if (isError(value)) return printable(JSON.stringify(`${value.type}: ${value.message}`));
  if (typeof value === 'string' && /^[^\s"=]+$/.test(value)) return printable(value);
  return printable(JSON.stringify(value));
}

function indent(stack: string): string {
  return stack
    .split('\n')
    .map((row) => `    ${printable(row.trim())}\n`)
    .join('');
}

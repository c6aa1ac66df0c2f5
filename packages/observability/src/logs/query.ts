import { type CapabilityName, invalidInput, LOG_LEVELS, type LogLevel, SERVER_LABEL } from '@reactor/core';
import type { LogRecord } from './ring.js';

/** What a client of the log stream asked for. */
export interface LogQuery {
  /** Go on with live lines after the kept ones. */
  readonly follow: boolean;
  /** Kept lines before this instant are left out; milliseconds since the epoch. */
  readonly since: number;
  /** The newest of the kept lines, at most this many. */
  readonly limit: number;
  matches(record: LogRecord): boolean;
  /** What `matches` goes by, as text: queries with the same want the same lines. */
  readonly selection: string;
}

type Select = (record: LogRecord) => boolean;

/** More than the ring can hold at its default size. */
const MAX_LIMIT = 100_000;
const MAX_VALUE_CHARS = 256;
const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

interface Parameter {
  /** For people. */
  readonly description: string;
  /** What a value asks for. Throws a message that says what is accepted. */
  read(value: string, context: LogQueryContext): Partial<LogQuery> | Select;
}

const PARAMETERS: Readonly<Record<string, Parameter>> = {
  follow: {
    description: '`1`: go on with live lines after the kept ones.',
    read: (value) => ({ follow: parseBoolean(value) }),
  },
  since: {
    description: 'Kept lines from then on: `2026-01-31T12:00:00Z`, or back from now: `15m`.',
    read: (value, { now }) => ({ since: parseSince(value, now) }),
  },
  limit: {
    description: 'The newest kept lines, at most this many.',
    read: (value) => ({ limit: parseLimit(value) }),
  },
  capability: {
    description: 'Lines of one capability; `server`: those of none.',
    read: (value, { capabilities }) => ofCapability(oneOf([...capabilities, SERVER_LABEL], value), capabilities),
  },
  level: {
    description: `Lines of this level and above: ${LOG_LEVELS.join(', ')}.`,
    read: (value) => atLeast(oneOf(LOG_LEVELS, value.toLowerCase())),
  },
  target: {
    description: 'Lines whose target begins with this: `reactor_data`.',
    read: (value) => {
      const prefix = text(value);
      return (record) => record.target.startsWith(prefix);
    },
  },
  request_id: { description: 'Lines of one request.', read: (value) => hasField('request_id', text(value)) },
  sub: { description: 'Lines of one user, by id.', read: (value) => hasField('sub', text(value)) },
};

/** What `GET /_admin/logs` accepts, for its description. */
export const LOG_PARAMETERS = Object.entries(PARAMETERS).map(([name, { description }]) => ({ name, description }));

/** What the values of parameters are read against. */
export interface LogQueryContext {
  /** Milliseconds since the epoch, from where durations count back. */
  readonly now: number;
  /** Those that are mounted; `server` is every line of none of them. */
  readonly capabilities: readonly CapabilityName[];
}

/**
 * Reads the parameters of `GET /_admin/logs`.
 * @throws ReactorError `invalid_request` (400) naming every parameter that is unknown, repeated or malformed
 */
export function parseLogQuery(parameters: URLSearchParams, context: LogQueryContext): LogQuery {
  const issues: { path: string[]; message: string }[] = [];
  const selects: Select[] = [];
  const selection: [name: string, value: string][] = [];
  let query = { follow: false, since: Number.NEGATIVE_INFINITY, limit: Number.POSITIVE_INFINITY };
  for (const name of new Set(parameters.keys())) {
    const values = parameters.getAll(name);
    const parameter = Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name] : undefined;
    try {
      if (parameter === undefined) throw new Error(`is unknown; accepted are ${Object.keys(PARAMETERS).join(', ')}`);
      if (values.length !== 1) throw new Error('is given more than once');
      const asked = parameter.read(values[0] ?? '', context);
      if (typeof asked === 'function') {
        selects.push(asked);
        selection.push([name, values[0] ?? '']);
      } else query = { ...query, ...asked };
    } catch (error) {
      issues.push({ path: [name], message: (error as Error).message });
    }
  }
  if (issues.length > 0) throw invalidInput(issues, 'query string');
  return {
    ...query,
    matches: (record) => selects.every((select) => select(record)),
    selection: JSON.stringify(selection.sort()),
  };
}

function ofCapability(label: CapabilityName, capabilities: readonly CapabilityName[]): Select {
  const isOf = (record: LogRecord, name: string) =>
    record.target === `reactor_${name}` || record.target.startsWith(`reactor_${name}::`);
  if (label !== SERVER_LABEL) return (record) => isOf(record, label);
  // Everything that belongs to no capability, so that all values together are the whole log.
  return (record) => !capabilities.some((name) => isOf(record, name));
}

function atLeast(level: LogLevel): Select {
  const rank = LOG_LEVELS.indexOf(level);
  return (record) => LOG_LEVELS.indexOf(record.level) >= rank;
}

function hasField(name: string, value: string): Select {
  // Most lines are ruled out without parsing them.
  const written = JSON.stringify(value);
  return ({ line }) => line.includes(written) && JSON.parse(line).fields[name] === value;
}

function parseSince(value: string, now: number): number {
  const duration = /^(\d{1,9})([smhd])$/.exec(value);
  if (duration !== null) return now - Number(duration[1]) * UNIT_MS[duration[2] as keyof typeof UNIT_MS];
  // A "+" that nobody encoded arrives as a space.
  const instant = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d{1,9})?([Zz]|[+ -]\d\d:\d\d)$/.exec(value);
  if (instant !== null) {
    const [, date = '', time = '', fraction = '', zone = ''] = instant;
    const at = Date.parse(`${date}T${time}${fraction.slice(0, 4)}${zone.toUpperCase().replace(' ', '+')}`);
    if (!Number.isNaN(at) && isOnCalendar(date)) return at;
  }
  throw new Error('must be an RFC 3339 instant (2026-01-31T12:00:00Z) or a duration back from now (30s, 15m, 1h, 2d)');
}

/** Date.parse takes 30 February for 2 March. */
function isOnCalendar(date: string): boolean {
  const midnight = Date.parse(`${date}T00:00:00Z`);
  return !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(date);
}

function parseLimit(value: string): number {
  const limit = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (limit <= MAX_LIMIT) return limit;
  throw new Error(`must be a whole number from 0 to ${MAX_LIMIT}`);
}

function parseBoolean(value: string): boolean {
  if (value === '1' || value === 'true') return true;
  if (value === '0' || value === 'false') return false;
  throw new Error('must be 1, true, 0 or false');
}

function oneOf<Value extends string>(accepted: readonly Value[], value: string): Value {
  const found = accepted.find((one) => one === value);
  if (found === undefined) throw new Error(`must be one of ${accepted.join(', ')}`);
  return found;
}

function text(value: string): string {
  if (value === '' || value.length > MAX_VALUE_CHARS) throw new Error(`must have 1 to ${MAX_VALUE_CHARS} characters`);
  return value;
}

import { LOG_LEVELS, type LogLevel } from '@reactor/core';

/** Which lines are written: a least level for everything, and one per target prefix. */
export interface LogFilter {
  /** The text it was parsed from. */
  readonly text: string;
  enabled(target: string, level: LogLevel): boolean;
  /** The rank of the least level written for `target`: an index into `LOG_LEVELS`, or their number when it is off. */
  threshold(target: string): number;
}

interface Directive {
  /** Empty for a bare level. */
  readonly prefix: string;
  readonly threshold: number;
}

const THRESHOLDS: ReadonlyMap<string, number> = new Map([
  ...LOG_LEVELS.map((level, rank): [string, number] => [level, rank]),
  ['off', LOG_LEVELS.length],
]);
const OFF = LOG_LEVELS.length;
const TRACE = 0;
const ERROR = LOG_LEVELS.indexOf('error');

const TARGET = /^[A-Za-z_][A-Za-z0-9_:.-]*$/;
/** A bare word of another form is a misspelt level far more often than a target, and would silence everything else. */
const BARE_TARGET = /^reactor|_|::/;

/** Targets are constants of the code; the bound only keeps a caller that makes them up from filling the memory. */
const MAX_CACHED_TARGETS = 1000;

/**
 * Reads the EnvFilter grammar: `directive ("," directive)*` where a directive is `level`, `target` (all of its levels)
 * or `target=level`. A target stands for every target that begins with it; the longest match wins, wherever it stands.
 * Without a bare level the unmatched targets are off; an empty text means `error` for all.
 * @throws SyntaxError naming the bad directive, and what is accepted
 */
export function parseFilter(text: string): LogFilter {
  const directives = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseDirective);
  if (directives.length === 0) directives.push({ prefix: '', threshold: ERROR });
  // The later of two directives for one prefix wins, as it would if each were applied in turn.
  const byLength = [...new Map(directives.map((directive) => [directive.prefix, directive])).values()].sort(
    (a, b) => b.prefix.length - a.prefix.length,
  );
  const cache = new Map<string, number>();

  function threshold(target: string): number {
    const cached = cache.get(target);
    if (cached !== undefined) return cached;
    const found = byLength.find(({ prefix }) => target.startsWith(prefix))?.threshold ?? OFF;
    if (cache.size < MAX_CACHED_TARGETS) cache.set(target, found);
    return found;
  }

  return { text, threshold, enabled: (target, level) => LOG_LEVELS.indexOf(level) >= threshold(target) };
}

function parseDirective(directive: string): Directive {
  const equals = directive.indexOf('=');
  if (equals === -1) {
    const threshold = THRESHOLDS.get(directive.toLowerCase());
    if (threshold !== undefined) return { prefix: '', threshold };
    if (!TARGET.test(directive) || !BARE_TARGET.test(directive)) throw badDirective(directive);
    return { prefix: directive, threshold: TRACE };
  }
  const prefix = directive.slice(0, equals).trim();
  const threshold = THRESHOLDS.get(
    directive
      .slice(equals + 1)
      .trim()
      .toLowerCase(),
  );
  if (!TARGET.test(prefix) || threshold === undefined) throw badDirective(directive);
  return { prefix, threshold };
}

function badDirective(directive: string): SyntaxError {
  return new SyntaxError(
    `${JSON.stringify(directive)} is not a filter directive; accepted are a level (${[...THRESHOLDS.keys()].join(', ')}), ` +
      'a target such as reactor_data, or target=level, separated by commas',
  );
}
